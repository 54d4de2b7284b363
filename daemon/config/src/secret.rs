//! Secrets: where they come from, and the values, which forget themselves and are shown nowhere.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use zeroize::Zeroizing;

/// Where a secret comes from. Shown as `env:NAME`, `file:PATH` or `credential:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file; what ends its last line is cut off.
    File(PathBuf),
    /// A file of this name in the folder that `CREDENTIALS_DIRECTORY` names (systemd's `LoadCredential=`).
    Credential(String),
}

/// A secret's value. It is wiped from memory when dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a secret could not be had. Names its place and what to do, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set: set it")]
    NotSet(String),
    /// The environment has no folder of credentials.
    #[error(
        "the credential {0} is wanted, but CREDENTIALS_DIRECTORY is not set: \
         add LoadCredential={0}:FILE to the systemd unit, or use {{ env }} or {{ file }}"
    )]
    NoCredentials(String),
    /// The file cannot be read.
    #[error("the file {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What was found is no secret.
    #[error("{place} {reason}")]
    Unfit {
        /// `env:NAME`, `file:PATH` or `credential:NAME`.
        place: String,
        /// Why, with what to do.
        reason: &'static str,
    },
}

/// The longest secret file, in bytes; a session token of Tencent Cloud takes about 4096.
const LARGEST: u64 = 64 * 1024;

impl SecretRef {
    /// A reference as the file has it: `kind` is `env`, `file` or `credential`. Nothing when `place` cannot be one.
    pub(crate) fn new(kind: &str, place: &str, base: &Path) -> Option<Self> {
        let named = |extra: &[u8]| {
            !place.is_empty()
                && place
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || extra.contains(&b))
        };
        match kind {
            "env" if named(b"") && !place.starts_with(|c: char| c.is_ascii_digit()) => {
                Some(Self::Env(place.to_owned()))
            }
            "file" if !place.trim().is_empty() => Some(Self::File(base.join(place))),
            "credential" if named(b"-.") && !place.starts_with('.') => {
                Some(Self::Credential(place.to_owned()))
            }
            _ => None,
        }
    }

    /// The file that the secret is in, if it is in one.
    ///
    /// # Errors
    /// When a credential is wanted and the environment has none.
    pub fn path(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<PathBuf>, SecretError> {
        match self {
            Self::Env(_) => Ok(None),
            Self::File(path) => Ok(Some(path.clone())),
            Self::Credential(name) => match env("CREDENTIALS_DIRECTORY") {
                Some(folder) => Ok(Some(Path::new(&folder).join(name))),
                None => Err(SecretError::NoCredentials(name.clone())),
            },
        }
    }

    /// Fetches the secret; `env` looks up an environment variable.
    ///
    /// # Errors
    /// When it is absent, unreadable, empty, not text or absurdly long; the message says what to do.
    pub fn resolve(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Secret, SecretError> {
        let text = match (self, self.path(env)?) {
            (_, Some(path)) => self.read(&path)?,
            (Self::Env(name), None) => {
                Zeroizing::new(env(name).ok_or_else(|| SecretError::NotSet(name.clone()))?)
            }
            (_, None) => return Err(self.unfit("has no place")),
        };
        let trimmed = text.trim_end_matches(['\n', '\r']);
        if trimmed.trim().is_empty() {
            return Err(self.unfit("is empty: put the secret there"));
        }
        if trimmed.contains(['\n', '\r', '\0']) {
            return Err(self.unfit("holds more than one line: put the secret alone there"));
        }
        Ok(Secret::new(trimmed.to_owned()))
    }

    fn read(&self, path: &Path) -> Result<Zeroizing<String>, SecretError> {
        let unreadable = |error: std::io::Error| SecretError::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST {
            return Err(self.unfit("is larger than 64 KiB: is it the right file?"));
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Zeroizing::new(
                text.trim_start_matches('\u{feff}').to_owned(),
            )),
            Err(_) => Err(self.unfit("is not text in UTF-8")),
        }
    }

    fn unfit(&self, reason: &'static str) -> SecretError {
        SecretError::Unfit {
            place: self.to_string(),
            reason,
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{name}"),
        }
    }
}

impl Secret {
    /// Takes a value in.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value as a URL that secrets are sent to: `https`, or `http` on this machine.
    ///
    /// # Errors
    /// What is wrong and what to do, without the value.
    pub fn endpoint(&self) -> Result<url::Url, String> {
        crate::kinds::endpoint(self.expose())
            .map_err(|bad| format!("{}: {}", bad.message, bad.remedy))
    }

    /// The value, for the one who has a use for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A secret that is read again when its file changes.
#[derive(Debug)]
pub struct ReloadingSecret {
    reference: SecretRef,
    last: Mutex<Option<(Option<Stamp>, Arc<Secret>)>>,
}

/// What tells one state of a file from another. The inode tells a file that was replaced by renaming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let seen = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&seen);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self {
            modified: seen.modified().ok(),
            length: seen.len(),
            inode,
        })
    }
}

impl ReloadingSecret {
    /// Watches over this secret; nothing is read yet.
    #[must_use]
    pub fn new(reference: SecretRef) -> Self {
        Self {
            reference,
            last: Mutex::new(None),
        }
    }

    /// Where the secret comes from.
    #[must_use]
    pub fn reference(&self) -> &SecretRef {
        &self.reference
    }

    /// The secret as it is now. While its file is absent or unfit (a rotation may be half done), the last good
    /// value is given, and the file is read anew the next time.
    ///
    /// # Errors
    /// When there never was a good value.
    pub fn current(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<Secret>, SecretError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self
            .reference
            .path(env)
            .ok()
            .flatten()
            .and_then(|path| Stamp::of(&path));
        if let Some((seen, secret)) = last.as_ref()
            && *seen == stamp
        {
            return Ok(Arc::clone(secret));
        }
        match (self.reference.resolve(env), last.as_ref()) {
            (Ok(secret), _) => {
                let secret = Arc::new(secret);
                *last = Some((stamp, Arc::clone(&secret)));
                Ok(secret)
            }
            (Err(_), Some((_, secret))) => Ok(Arc::clone(secret)),
            (Err(error), None) => Err(error),
        }
    }
}
