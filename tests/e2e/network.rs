//! The way out through the real binary, on both sides: the services under their own names, behind TLS with a private
//! authority, reached by a proxy that alone knows where they are.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;
use crate::world::{World, text};

const WECOM: &str = "qyapi.weixin.qq.com";
const CAM: &str = "cam.tencentcloudapi.com";

/// A proxy that ends TLS itself, with certificates of an authority of its own, as those of large companies do.
struct Proxy {
    address: SocketAddr,
    /// What it was asked to connect to, once for each connection.
    asked: Arc<Mutex<Vec<String>>>,
    authority: PathBuf,
}

fn certificates() -> (String, TlsAcceptor) {
    let authority = Authority::new();
    let config = authority.server(&[WECOM, CAM, "localhost"]);
    (authority.pem, TlsAcceptor::from(config))
}

impl Proxy {
    fn start(world: &World) -> Self {
        let (pem, acceptor) = certificates();
        let authority = world.dir.path().join("corp.pem");
        std::fs::write(&authority, pem).unwrap();
        let listener = world.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (wecom, cam, told) = (world.wecom.addr(), world.cam.addr(), Arc::clone(&asked));
        world.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, told) = (acceptor.clone(), Arc::clone(&told));
                tokio::spawn(async move { tunnel(stream, acceptor, wecom, cam, told).await });
            }
        });
        Self {
            address,
            asked,
            authority,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// One connection: CONNECT, TLS, then the simulator whose name was asked for.
async fn tunnel(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    wecom: SocketAddr,
    cam: SocketAddr,
    told: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (stream.read_line(&mut head).await.ok()? > 0).then_some(())?;
    }
    let line = head.lines().next()?.to_owned();
    let target = if line.contains(CAM) { cam } else { wecom };
    told.lock().unwrap().push(line);
    let answer = b"HTTP/1.1 200 Connection established\r\n\r\n";
    stream.write_all(answer).await.ok()?;
    let mut inside = acceptor.accept(stream.into_inner()).await.ok()?;
    let mut outside = TcpStream::connect(target).await.ok()?;
    copy_bidirectional(&mut inside, &mut outside).await.ok()?;
    Some(())
}

/// The services under their public names.
fn under_their_own_names(world: &World, network: &str) {
    let (wecom, cam) = (world.wecom.url(), world.cam.url());
    world.edit(|text| {
        let text = text.replace(&wecom, &format!("https://{WECOM}"));
        text.replace(&cam, &format!("https://{CAM}")) + network
    });
}

#[test]
fn a_proxy_and_a_private_authority_lead_to_both_services() {
    let world = World::new();
    let proxy = Proxy::start(&world);
    let with_proxy = format!("\n[network]\nproxy = \"http://{}\"\n", proxy.address);
    let with_both = format!("{with_proxy}ca_file = \"{}\"\n", proxy.authority.display());
    under_their_own_names(&world, &with_both);
    world.join(1..=3);
    world.sync();
    assert_eq!(world.signing_in(1..=3), 3);
    world.does(&["check"]);
    let asked = proxy.asked();
    for name in [WECOM, CAM] {
        let line = format!("CONNECT {name}:443 HTTP/1.1");
        assert!(asked.contains(&line), "{asked:?}");
    }
    assert!(asked.iter().all(|line| line.starts_with("CONNECT ")));
    // Without the authority neither is believed, whatever the proxy says.
    world.edit(|text| text.replace("ca_file", "#"));
    world.leave(1..=1);
    let (wecom, cam) = (world.wecom.log().len(), world.cam.log().len());
    let report = world.sync_fails();
    let said = report.to_string();
    assert!(said.contains("certificate"), "{said}");
    assert_eq!(
        (world.wecom.log().len(), world.cam.log().len()),
        (wecom, cam)
    );
    assert!(world.signs_in("m1"));
    // An authority that is none is refused before anything is asked.
    std::fs::write(&proxy.authority, "no certificate").unwrap();
    world.edit(|text| text.replace("#", "ca_file"));
    let output = world.run(&["sync"]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("network") && said.contains("PEM"), "{said}");
}

#[test]
fn a_service_on_loopback_behind_a_private_authority_is_reached_without_the_proxy() {
    let world = World::new();
    let (pem, acceptor) = certificates();
    let authority = world.dir.path().join("corp.pem");
    std::fs::write(&authority, pem).unwrap();
    let mut urls = Vec::new();
    for plain in [world.wecom.addr(), world.cam.addr()] {
        let listener = world.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        urls.push(format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        ));
        let acceptor = acceptor.clone();
        world.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut inside = acceptor.accept(stream).await.ok()?;
                    let mut outside = TcpStream::connect(plain).await.ok()?;
                    copy_bidirectional(&mut inside, &mut outside).await.ok()
                });
            }
        });
    }
    let (wecom, cam) = (world.wecom.url(), world.cam.url());
    // Nobody listens at the proxy's address: whoever asked it would fail.
    let network = format!(
        "\n[network]\nproxy = \"http://127.0.0.1:1\"\nca_file = \"{}\"\n",
        authority.display()
    );
    world.edit(|text| text.replace(&wecom, &urls[0]).replace(&cam, &urls[1]) + &network);
    world.join(1..=2);
    world.sync();
    assert_eq!(world.signing_in(1..=2), 2);
}
