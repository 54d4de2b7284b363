//! A simulator's place on the network: start, stop, restart on the same port.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::{Server, Service};

/// Holds a service and the server that offers it; the service outlives a stop.
pub(crate) struct Host<S> {
    pub(crate) service: Arc<S>,
    addr: SocketAddr,
    server: Mutex<Option<Server>>,
    connections: Arc<AtomicU64>,
}

/// Any free port on loopback.
pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

impl<S: Service> Host<S> {
    pub(crate) fn start(service: S, addr: SocketAddr) -> std::io::Result<Self> {
        let service = Arc::new(service);
        let connections = Arc::new(AtomicU64::new(0));
        let server = Server::start(service.clone(), addr, connections.clone())?;
        Ok(Self {
            service,
            addr: server.addr(),
            server: Mutex::new(Some(server)),
            connections,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) async fn stop(&self) {
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            server.stop().await;
        }
    }

    pub(crate) async fn restart(&self) -> std::io::Result<()> {
        self.stop().await;
        let server = Server::start(self.service.clone(), self.addr, self.connections.clone())?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }
}
