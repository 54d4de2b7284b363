//! HTTP clients: one for each set of names that may be private, shared by all sources, so that connections are
//! reused across requests, calls and crawls; and the resolver that lets only permitted addresses be dialled.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use crate::address;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections kept to a host: as many as one call may use at a time.
const IDLE_MAX: usize = 64;

/// Asks what addresses a name has. The system's resolver, unless something else is handed in.
#[async_trait]
pub trait NameLookup: Send + Sync {
    /// Every address of a name.
    ///
    /// # Errors
    /// Whatever the resolver says; a name that does not exist is an error.
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
pub(crate) struct SystemLookup;

#[async_trait]
impl NameLookup for SystemLookup {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0))
            .await?
            .map(|address| address.ip())
            .collect())
    }
}

/// How this machine reaches the network.
pub(crate) struct Network {
    pub(crate) proxy: Option<Url>,
    pub(crate) extra_roots: Vec<reqwest::Certificate>,
    pub(crate) lookup: Arc<dyn NameLookup>,
}

/// The clients made so far.
pub(crate) struct Clients {
    network: Network,
    made: Mutex<BTreeMap<BTreeSet<String>, reqwest::Client>>,
}

impl Clients {
    pub(crate) fn new(network: Network) -> Self {
        Self {
            network,
            made: Mutex::default(),
        }
    }

    /// The client for which these names, and no others, may have private addresses.
    ///
    /// # Errors
    /// No client can be made: no usable roots of trust, or a proxy URL that is none.
    pub(crate) fn client(&self, private: BTreeSet<String>) -> reqwest::Result<reqwest::Client> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&private) {
            return Ok(client.clone());
        }
        let client = self.build(private.clone())?;
        made.insert(private, client.clone());
        Ok(client)
    }

    fn build(&self, private: BTreeSet<String>) -> reqwest::Result<reqwest::Client> {
        let Network {
            proxy,
            extra_roots,
            lookup,
        } = &self.network;
        let proxy_name = proxy
            .as_ref()
            .and_then(|proxy| proxy.host_str())
            .map(str::to_owned);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("camsync/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // A small body must not become a large one: what is bounded is what comes over the wire.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX)
            .tls_certs_merge(extra_roots.iter().cloned())
            .dns_resolver(Arc::new(CheckedResolver {
                private,
                proxy: proxy_name,
                lookup: Arc::clone(lookup),
            }));
        if let Some(proxy) = proxy {
            // A proxy elsewhere cannot reach this machine's own loopback.
            let direct = reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1");
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone())?.no_proxy(direct));
        }
        builder.build()
    }
}

/// A name whose every address is refused.
#[derive(Debug, thiserror::Error)]
#[error("{name} resolves to {address}: {why}")]
pub(crate) struct DeniedName {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) why: &'static str,
}

/// Hands out only addresses that may be dialled. The addresses checked are the addresses dialled: nothing is
/// resolved a second time in between.
struct CheckedResolver {
    private: BTreeSet<String>,
    proxy: Option<String>,
    lookup: Arc<dyn NameLookup>,
}

impl CheckedResolver {
    fn refusal(&self, name: &str, address: IpAddr) -> Option<&'static str> {
        let bare = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if self.proxy.as_deref() == Some(name) {
            return None;
        }
        if self.private.contains(&bare) {
            // Plain http is let through for this name, so it must not leave the machine.
            let leaves = bare == "localhost" && !address.is_loopback();
            return leaves.then_some("not a loopback address");
        }
        address::forbidden(address)
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Self {
            private: self.private.clone(),
            proxy: self.proxy.clone(),
            lookup: Arc::clone(&self.lookup),
        };
        Box::pin(async move {
            let name = name.as_str();
            let found = resolver.lookup.look_up(name).await?;
            let mut denied = None;
            let mut permitted = Vec::new();
            for address in found {
                match resolver.refusal(name, address) {
                    None => permitted.push(SocketAddr::new(address, 0)),
                    Some(why) => {
                        denied = Some(DeniedName {
                            name: name.to_owned(),
                            address,
                            why,
                        })
                    }
                }
            }
            match denied {
                Some(denied) if permitted.is_empty() => Err(denied.into()),
                _ => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Fixed(Vec<IpAddr>);

    #[async_trait]
    impl NameLookup for Fixed {
        async fn look_up(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    async fn resolve(
        name: &str,
        addresses: &[&str],
        private: &[&str],
    ) -> Result<Vec<String>, String> {
        let resolver = CheckedResolver {
            private: private.iter().map(|name| (*name).to_owned()).collect(),
            proxy: Some("proxy.corp".to_owned()),
            lookup: Arc::new(Fixed(
                addresses
                    .iter()
                    .map(|address| address.parse().unwrap())
                    .collect(),
            )),
        };
        match resolver.resolve(name.parse().unwrap()).await {
            Ok(found) => Ok(found.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn only_permitted_addresses_are_handed_out() {
        assert_eq!(
            resolve("a.example", &["10.0.0.1", "8.8.8.8", "::1"], &[])
                .await
                .unwrap(),
            ["8.8.8.8"]
        );
        let error = resolve("a.example", &["127.0.0.1"], &[]).await.unwrap_err();
        assert_eq!(error, "a.example resolves to 127.0.0.1: a loopback address");
        assert!(
            resolve("a.example", &["64:ff9b::a9fe:a9fe"], &[])
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn names_of_the_operator_and_of_the_proxy_may_be_private() {
        assert_eq!(
            resolve("A.example.", &["10.0.0.1"], &["a.example"])
                .await
                .unwrap(),
            ["10.0.0.1"]
        );
        assert_eq!(
            resolve("proxy.corp", &["10.0.0.1"], &[]).await.unwrap(),
            ["10.0.0.1"]
        );
        assert_eq!(
            resolve("localhost", &["127.0.0.1"], &["localhost"])
                .await
                .unwrap(),
            ["127.0.0.1"]
        );
        assert!(
            resolve("localhost", &["10.0.0.1"], &["localhost"])
                .await
                .is_err()
        );
        assert!(resolve("localhost", &["127.0.0.1"], &[]).await.is_err());
    }
}
