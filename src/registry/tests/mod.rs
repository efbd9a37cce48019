mod fake;
mod faults;
mod login;
mod tls;
mod verification;

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Patience, RegistryClient};
use crate::docker::Credentials;
use crate::docker::DockerConfig;
use crate::image::Reference;
use crate::proxy::Proxies;

const IMAGE: &str = r#"{"config": {"digest":
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}"#;

/// A client with short waits, and the logins of a Docker config.
fn client(config: &str) -> RegistryClient {
    let config = DockerConfig::parse(Path::new("config.json"), config.as_bytes()).unwrap();
    let patience = Patience {
        tries: 3,
        first_delay: Duration::from_millis(1),
        longest_delay: Duration::from_secs(2),
        connect: Duration::from_secs(5),
        silence: Duration::from_secs(5),
        exchange: Duration::from_secs(5),
        total: Duration::from_secs(20),
    };
    RegistryClient::new(
        Arc::new(Credentials::new(config, OsStr::new(""))),
        patience,
        Proxies::default(),
    )
}

fn login(host: &str, user: &str, password: &str) -> String {
    format!(r#"{{"auths": {{"{host}": {{"username": "{user}", "password": "{password}"}}}}}}"#)
}

fn reference(host: &str) -> Reference {
    format!("{host}/lab/app:1.0").parse().unwrap()
}
