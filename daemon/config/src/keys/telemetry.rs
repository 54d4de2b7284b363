//! `[telemetry]`.

use url::Url;

use crate::kinds::{Secretive, WebUrl};
use crate::reader::section;
use crate::secret::SecretRef;

section! {
    /// Traces for an OpenTelemetry collector. Metrics are served at `/metrics` in any case.
    pub struct Telemetry {
        /// The collector, spoken to by OTLP over HTTP; `/v1/traces` is put behind it. A change needs a restart.
        otlp_endpoint: Option<Url> = WebUrl, optional("nothing is exported");
        /// Headers for the collector, such as `authorization=Bearer …`; several with commas between them.
        otlp_headers: Option<SecretRef> = Secretive, optional("no headers of its own");
    }
}
