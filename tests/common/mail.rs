//! A mail server on loopback that takes everything, in the clear or under TLS. Part of several test programs.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A mail.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// Whether it came under TLS.
    pub(crate) secured: bool,
    pub(crate) signed_in: Option<String>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
}

/// When a server begins with TLS.
#[derive(Clone)]
pub(crate) enum Tls {
    Never,
    /// When it is asked to.
    OnRequest(Arc<ServerConfig>),
    AtOnce(Arc<ServerConfig>),
}

/// A mail server that takes everything.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    heard: Arc<Mutex<String>>,
}

impl MailServer {
    /// In the clear.
    pub(crate) fn start() -> Self {
        Self::with(Tls::Never)
    }

    pub(crate) fn with(tls: Tls) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            mails: Arc::default(),
            heard: Arc::default(),
        };
        let (mails, heard) = (Arc::clone(&server.mails), Arc::clone(&server.heard));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, mails, heard) = (tls.clone(), Arc::clone(&mails), Arc::clone(&heard));
                std::thread::spawn(move || converse(stream, &tls, &mails, &heard));
            }
        });
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Every line that came in the clear.
    pub(crate) fn heard_in_the_clear(&self) -> String {
        self.heard.lock().unwrap().clone()
    }
}

/// A connection as it is now.
enum Wire {
    Clear(TcpStream),
    Secured(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    fn secured(self, config: &Arc<ServerConfig>) -> Self {
        let Self::Clear(stream) = self else {
            return self;
        };
        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
        Self::Secured(Box::new(StreamOwned::new(connection, stream)))
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer),
            Self::Secured(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(buffer),
            Self::Secured(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush(),
            Self::Secured(stream) => stream.flush(),
        }
    }
}

fn converse(
    stream: TcpStream,
    tls: &Tls,
    mails: &Mutex<Vec<Mail>>,
    heard: &Mutex<String>,
) -> Option<()> {
    let mut wire = Wire::Clear(stream);
    if let Tls::AtOnce(config) = tls {
        wire = wire.secured(config);
    }
    let mut reader = BufReader::new(wire);
    let mut mail = Mail {
        secured: false,
        signed_in: None,
        from: String::new(),
        to: Vec::new(),
        data: String::new(),
    };
    let mut say = "220 test ESMTP".to_owned();
    loop {
        let clear = matches!(reader.get_ref(), Wire::Clear(_));
        write!(reader.get_mut(), "{say}\r\n").ok()?;
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if clear {
            heard.lock().unwrap().push_str(&line);
        }
        let line = line.trim_end();
        let word = line.split([' ', ':']).next()?.to_uppercase();
        say = match (word.as_str(), tls) {
            ("EHLO", Tls::OnRequest(_)) if clear => {
                "250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN".into()
            }
            ("EHLO", _) => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN".into(),
            ("STARTTLS", Tls::OnRequest(config)) => {
                write!(reader.get_mut(), "220 go on\r\n").ok()?;
                assert!(reader.buffer().is_empty(), "it did not wait for the answer");
                reader = BufReader::new(reader.into_inner().secured(config));
                // The client speaks first now.
                let mut line = String::new();
                reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
                "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN".into()
            }
            ("AUTH", _) => {
                let given = STANDARD.decode(line.rsplit(' ').next()?).ok()?;
                mail.signed_in = Some(String::from_utf8(given).ok()?);
                "235 welcome".into()
            }
            ("MAIL", _) => {
                mail.from = line.to_owned();
                "250 ok".into()
            }
            ("RCPT", _) => {
                mail.to.push(line.to_owned());
                "250 ok".into()
            }
            ("DATA", _) => {
                write!(reader.get_mut(), "354 go on\r\n").ok()?;
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).ok()? == 0 {
                        return None;
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    mail.data.push_str(&line);
                }
                mail.secured = !clear;
                mails.lock().unwrap().push(mail.clone());
                "250 taken".into()
            }
            ("QUIT", _) => {
                write!(reader.get_mut(), "221 bye\r\n").ok()?;
                return None;
            }
            _ => "250 ok".into(),
        };
    }
}
