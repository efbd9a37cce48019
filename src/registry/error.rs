//! What can go wrong with a registry, in words for the person who has to mend it.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::answer::ApiError;
use crate::docker::CredentialError;
use crate::image::Digest;

/// A question to a registry that was not answered.
#[derive(Debug, Clone, Error)]
#[error("{subject}: {}", .fault.sentence(.host))]
pub struct RegistryError {
    subject: String,
    host: String,
    #[source]
    fault: Box<RegistryFault>,
}

/// What went wrong, without where.
#[derive(Debug, Clone)]
pub enum RegistryFault {
    /// It wants a login, and has been given one or not.
    Unauthorised {
        with_login: bool,
    },
    /// This login, or nobody, may do that.
    Denied {
        with_login: bool,
    },
    NotFound,
    /// Too many requests; how long it wants us to wait.
    Busy {
        wait: Option<Duration>,
    },
    /// Any other status than the wanted.
    Status {
        status: u16,
        errors: Vec<ApiError>,
    },
    Refused,
    UnknownHost,
    Timeout,
    /// The connection broke off.
    Lost,
    /// TLS was begun and came to nothing: a certificate, a version.
    Tls(String),
    /// The other side does not speak TLS.
    NotTls,
    /// This machine knows no certificate authority at all, or its TLS could not be set up.
    NoTls,
    InvalidHost,
    TooLarge {
        limit: usize,
    },
    /// The answer is not what the protocol says.
    Malformed(&'static str),
    OtherDigest {
        found: Digest,
    },
    /// It asks for the login to be sent where it would be read on the way.
    UnsafeTokenServer,
    UnsafeRedirect,
    Credentials(CredentialError),
}

impl RegistryError {
    pub(super) fn new(subject: impl fmt::Display, host: &str, fault: RegistryFault) -> Self {
        Self { subject: subject.to_string(), host: host.to_owned(), fault: Box::new(fault) }
    }

    /// What went wrong.
    pub fn fault(&self) -> &RegistryFault {
        &self.fault
    }

    /// Whether the same question may have an answer a little later.
    pub fn is_temporary(&self) -> bool {
        self.fault.is_temporary()
    }

    /// What to do about it, where something can be done.
    pub fn help(&self) -> Option<String> {
        let login = match self.host.as_str() {
            "docker.io" => "docker login".to_owned(),
            host => format!("docker login {host}"),
        };
        let host = &self.host;
        Some(match &*self.fault {
            RegistryFault::Unauthorised { with_login: false }
            | RegistryFault::Denied { with_login: false } => format!("log in: `{login}`"),
            RegistryFault::Unauthorised { with_login: true } => {
                format!("the login in Docker's config is not valid: run `{login}` again")
            }
            RegistryFault::Denied { with_login: true } => {
                "check the name, and that this login has a right to it".to_owned()
            }
            RegistryFault::Refused => format!("is the registry running? nothing listens at {host}"),
            RegistryFault::UnknownHost => "check the name, and this machine's network".to_owned(),
            RegistryFault::Tls(_) => {
                "the certificate must be signed by an authority this machine trusts; \
                 SSL_CERT_FILE can name another set"
                    .to_owned()
            }
            RegistryFault::NoTls => "install the package ca-certificates".to_owned(),
            RegistryFault::NotTls => {
                "plain http is for registries on loopback alone: set up TLS there".to_owned()
            }
            RegistryFault::Credentials(error) => error.help(),
            _ => return None,
        })
    }
}

impl RegistryFault {
    /// Whether it may pass by itself.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Timeout | Self::Lost => true,
            Self::Status { status, .. } => matches!(status, 408 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    fn sentence(&self, host: &str) -> String {
        match self {
            Self::Unauthorised { with_login: true } => {
                format!("the registry {host} refused the login")
            }
            Self::Unauthorised { with_login: false } => {
                format!("the registry {host} wants a login, and there is none for it")
            }
            Self::Denied { .. } => format!("the registry {host} denies access"),
            Self::NotFound => format!("not found on the registry {host}"),
            Self::Busy { wait: Some(wait) } => {
                format!("the registry {host} wants us to come back in {} s", wait.as_secs())
            }
            Self::Busy { wait: None } => format!("the registry {host} has too many requests"),
            Self::Status { status, errors } if errors.is_empty() => {
                format!("the registry {host} answered with status {status}")
            }
            Self::Status { status, errors } => {
                let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
                format!("the registry {host} answered with status {status}: {}", said.join("; "))
            }
            Self::Refused => format!("the registry {host} refused the connection"),
            Self::UnknownHost => format!("no address is known for the registry {host}"),
            Self::Timeout => format!("the registry {host} did not answer in time"),
            Self::Lost => format!("the connection to the registry {host} broke off"),
            Self::Tls(reason) => format!("no secure connection to the registry {host}: {reason}"),
            Self::NotTls => format!("the registry {host} does not speak TLS"),
            Self::NoTls => "TLS could not be set up: this machine trusts no authority".to_owned(),
            Self::InvalidHost => format!("`{host}` is not a host with an optional port"),
            Self::TooLarge { limit } => {
                format!("the registry {host} sent more than {} KiB", limit / 1024)
            }
            Self::Malformed(what) => format!("the registry {host} sent {what}"),
            Self::OtherDigest { found } => {
                format!("the registry {host} sent other bytes than asked for: {found}")
            }
            Self::UnsafeTokenServer => {
                format!("the registry {host} names a token server without TLS")
            }
            Self::UnsafeRedirect => {
                format!("the registry {host} redirects too often or to where there is no TLS")
            }
            Self::Credentials(error) => error.to_string(),
        }
    }
}

impl fmt::Display for RegistryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence("there"))
    }
}

impl std::error::Error for RegistryFault {}
