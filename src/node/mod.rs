//! A node: one BuildKit that builds, wherever it runs, and what it can do.
//!
//! Docker Engine has a BuildKit in it. Engines from 29.2 serve its gRPC interface on their own socket;
//! older ones, and some proxies, only through an upgrade of `POST /grpc`. A node has one control
//! connection, and everything goes over it, sessions included.

pub(crate) mod abilities;
mod address;
pub(crate) mod builder;
pub(crate) mod choose;
mod connected;
mod error;
mod facts;
mod instead;
mod open;
pub(crate) mod own;
mod recorded;
#[cfg(test)]
mod table;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::buildkit::Client;
use crate::docker::Engine;

pub(crate) use abilities::Ability;
pub(crate) use address::{Address, Buildkitd, InvalidAddress};
pub(crate) use error::{BuilderError, NodeError};
pub(crate) use facts::Product;
pub use facts::{NodeFacts, Store};
pub(crate) use instead::{IsBuildkit, buildkit_there};

/// A BuildKit that has answered.
#[derive(Debug, Clone)]
pub struct Node {
    address: Address,
    client: Client,
    /// Absent if this is a buildkitd, and no Docker Engine was found.
    engine: Option<Engine>,
    /// Facts about that engine, if this is a buildkitd.
    beside: Option<NodeFacts>,
    facts: NodeFacts,
    gateway: Option<IpAddr>,
    /// The data of a Docker Engine on this machine.
    directory: Option<PathBuf>,
}

impl Node {
    /// The control connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The Docker Engine that BuildKit is part of; beside a buildkitd, the one for smoke tests and for
    /// images that are loaded.
    pub(crate) fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// The Docker Engine for images and smoke tests, and its facts.
    pub(crate) fn docker(&self) -> Option<(&Engine, &NodeFacts)> {
        let facts = match self.facts.product {
            Product::DockerEngine => &self.facts,
            Product::Buildkitd => self.beside.as_ref()?,
        };
        Some((self.engine.as_ref()?, facts))
    }

    /// The same buildkitd, with `docker` for images and smoke tests.
    #[must_use]
    pub(crate) fn with_docker(self, docker: Node) -> Self {
        Self { engine: docker.engine, beside: Some(docker.facts), ..self }
    }

    pub fn facts(&self) -> &NodeFacts {
        &self.facts
    }

    /// The directory with its data, if it is on this machine.
    pub(crate) fn data_directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// The address that it gives its own machine in containers, if it says so.
    pub(crate) fn gateway(&self) -> Option<IpAddr> {
        self.gateway
    }
}
