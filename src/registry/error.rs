//! A request to a registry that failed.

use std::fmt;

use crate::docker::CredentialError;
use crate::failure::{Phase, RegistryFault, Request};
use crate::image::Reference;

/// What failed, and for which image.
#[derive(Debug, Clone)]
pub struct RegistryError {
    image: Reference,
    phase: Phase,
    fault: Box<RegistryFault>,
}

impl RegistryError {
    pub(crate) fn new(image: &Reference, phase: Phase, fault: RegistryFault) -> Self {
        Self { image: image.clone(), phase, fault: Box::new(fault) }
    }

    /// The registry's host, with its port if it has one.
    pub fn host(&self) -> &str {
        self.image.repository.host()
    }

    pub fn fault(&self) -> &RegistryFault {
        &self.fault
    }

    /// The cause alone, without the action that failed: `not logged in to ghcr.io`.
    pub fn cause(&self) -> String {
        self.fault.cause(&self.request())
    }

    /// What the user can do about it, if anything.
    pub fn help(&self) -> Option<String> {
        self.fault.help(&self.request())
    }

    fn request(&self) -> Request<'_> {
        Request { host: self.host(), phase: self.phase, image: &self.image, by_engine: false }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.sentence(&self.request()))
    }
}

impl std::error::Error for RegistryError {}

/// A failed credential lookup is not the registry's fault, but it ends the request too.
pub(super) fn no_login(error: &CredentialError) -> RegistryFault {
    RegistryFault::Credentials { reason: error.to_string(), help: error.help() }
}
