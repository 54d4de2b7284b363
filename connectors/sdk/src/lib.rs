//! What a connector in Rust is written with.
//!
//! A connector is a type that implements [`Connector`] against a [`Host`], and one line:
//! `camsync_connector_sdk::export!(MyConnector);`. Inside a component the host is the one that the WIT imports
//! offer; natively it is whatever a test or a benchmark hands in, so that the same code runs in both.
//!
//! It does not hold connections, secrets or threads: those stay with the host.

pub mod client;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
mod host;
pub mod types;

pub use client::{Client, Next, Window};
pub use host::{Connector, Host};

/// Makes a type that implements [`Connector`] the component's export. Natively it does nothing.
#[macro_export]
macro_rules! export {
    ($connector:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod camsync_connector_export {
            #[allow(unused_imports, reason = "the connector's path may be relative to its crate's root")]
            use super::*;
            type Export = $crate::guest::Adapter<$connector>;
            $crate::guest::bindings::export_connector!(Export with_types_in $crate::guest::bindings);
        }
    };
}
