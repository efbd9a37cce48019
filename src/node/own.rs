//! The builder `onebuild`: a buildkitd in a container of the Docker Engine, made by this program.
//!
//! An engine with the older image store cannot push several platforms. A buildkitd beside it can. The
//! container stays, so that a second run finds its cache.

use std::collections::HashMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use super::address::Buildkitd;
use super::error::BuilderError;
use super::{Node, NodeError};
use crate::docker::{ContainerError, CredentialError, Credentials, Engine, Service, ServiceLimits};
use crate::error::why;
use crate::image::Reference;

/// The reserved name of the builder.
pub(crate) const OWN: &str = "onebuild";

/// The image with BuildKit: the tag that buildx uses by default.
pub(crate) const DEFAULT_IMAGE: &str = "moby/buildkit:buildx-stable-1";

/// Names on the engine.
const CONTAINER: &str = "onebuild_buildkit";
const VOLUME: &str = "onebuild_buildkit_state";

/// The label of the container; its value identifies the settings that were given.
const LABEL: &str = "onebuild.builder";

/// The image's directories for BuildKit's cache and its configuration.
const STATE: &str = "/var/lib/buildkit";
const CONFIG: &str = "etc/buildkit/buildkitd.toml";

/// How long buildkitd may take to answer after its container was started.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const START_PAUSE: Duration = Duration::from_millis(200);

/// Grants of onebuild decide for each run which of these a step gets.
const ENTITLEMENTS: [&str; 2] =
    ["--allow-insecure-entitlement=network.host", "--allow-insecure-entitlement=security.insecure"];

/// How a new builder is made. What is not set is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BuilderSettings {
    pub image: Option<Reference>,
    /// The content of buildkitd.toml.
    pub config: Option<String>,
    pub limits: ServiceLimits,
    /// `NAME=value`.
    pub env: Vec<String>,
}

/// A builder that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnBuilder {
    pub image: String,
    pub running: bool,
}

impl BuilderSettings {
    /// Sets an option in the form `NAME=VALUE`, with the names that buildx's driver
    /// `docker-container` has.
    pub(crate) fn set(&mut self, option: &str) -> Result<(), String> {
        const KNOWN: &str =
            "image, network, cgroup-parent, cpuset-cpus, cpu-quota, memory, env.NAME";
        let (name, value) = option
            .split_once('=')
            .filter(|(_, value)| !value.is_empty())
            .ok_or_else(|| format!("`{option}` must be NAME=VALUE"))?;
        let number = || {
            let number = value.parse().ok().filter(|number: &i64| *number > 0);
            number.ok_or_else(|| format!("`{value}` is not a number greater than zero"))
        };
        let limits = &mut self.limits;
        match name {
            "image" => {
                let image = value.parse().map_err(|error| format!("`{value}`: {}", why(&error)))?;
                self.image = Some(image);
            }
            "network" => limits.network = Some(value.to_owned()),
            "cgroup-parent" => limits.cgroup_parent = Some(value.to_owned()),
            "cpuset-cpus" => limits.cpuset_cpus = Some(value.to_owned()),
            "cpu-quota" => limits.cpu_quota = Some(number()?),
            "memory" => limits.memory = Some(bytes(value)?),
            _ => match name.strip_prefix("env.").filter(|name| !name.is_empty()) {
                Some(variable) => self.env.push(format!("{variable}={value}")),
                None => {
                    return Err(format!("`{name}` is not an option; the options are {KNOWN}"));
                }
            },
        }
        Ok(())
    }

    fn image(&self) -> Reference {
        let default = || DEFAULT_IMAGE.parse().expect("a valid reference");
        self.image.clone().unwrap_or_else(default)
    }

    /// Identifies these settings without showing values of variables.
    fn fingerprint(&self) -> String {
        let digest = Sha256::digest(format!("{self:?}"));
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    fn service(&self) -> Service {
        Service {
            name: CONTAINER.to_owned(),
            image: self.image().to_string(),
            arguments: ENTITLEMENTS.map(str::to_owned).to_vec(),
            env: self.env.clone(),
            labels: HashMap::from([(LABEL.to_owned(), self.fingerprint())]),
            volume: (VOLUME.to_owned(), STATE.to_owned()),
            limits: self.limits.clone(),
        }
    }
}

/// A size such as `512m` or `2g`, in bytes.
fn bytes(text: &str) -> Result<i64, String> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (number, factor) = match lower.char_indices().last() {
        Some((end, 'k')) => (&lower[..end], 1 << 10),
        Some((end, 'm')) => (&lower[..end], 1 << 20),
        Some((end, 'g')) => (&lower[..end], 1 << 30),
        _ => (lower, 1),
    };
    let number = number.parse::<i64>().ok().and_then(|number| number.checked_mul(factor));
    number
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("`{text}` is not a size: write 512m or 2g"))
}

/// What the builder of an engine does.
pub(crate) struct Own<'a> {
    pub engine: &'a Engine,
    pub credentials: &'a Credentials,
    /// Shows a note about what takes long.
    pub tell: &'a (dyn Fn(&str) + Sync),
}

impl Own<'_> {
    /// The builder, if it exists.
    pub(crate) async fn find(&self) -> Result<Option<OwnBuilder>, BuilderError> {
        let found =
            self.engine.service(CONTAINER).await.map_err(engine("looking for the builder"))?;
        match found {
            None => Ok(None),
            Some(found) if !found.labels.contains_key(LABEL) => Err(BuilderError::Foreign),
            Some(found) => Ok(Some(OwnBuilder { image: found.image, running: found.running })),
        }
    }

    /// Creates the builder and waits until it answers. It must not exist.
    pub(crate) async fn create(&self, settings: &BuilderSettings) -> Result<Node, NodeError> {
        if self.find().await?.is_some() {
            return Err(BuilderError::Exists.into());
        }
        let made = async {
            self.make(settings).await?;
            self.started().await
        };
        let made = made.await;
        if made.is_err() {
            // Nothing that does not work is left. The error above says why.
            let _ = self.engine.remove_container(CONTAINER).await;
            let _ = self.engine.remove_volume(VOLUME).await;
        }
        made
    }

    /// The builder; creates or starts it if necessary. `settings` must be those of an existing one,
    /// unless they are the defaults.
    pub(crate) async fn open(&self, settings: &BuilderSettings) -> Result<Node, NodeError> {
        let found =
            self.engine.service(CONTAINER).await.map_err(engine("looking for the builder"))?;
        match found {
            None => return self.create(settings).await,
            Some(found) => {
                let made = found.labels.get(LABEL).ok_or(BuilderError::Foreign)?;
                if *settings != BuilderSettings::default() && *made != settings.fingerprint() {
                    return Err(BuilderError::Different.into());
                }
            }
        }
        self.started().await
    }

    /// Removes the builder, and its cache unless `keep_state`. Returns whether there was one.
    pub(crate) async fn remove(&self, keep_state: bool) -> Result<bool, BuilderError> {
        let found = self.find().await?.is_some();
        if found {
            let removed = self.engine.remove_container(CONTAINER).await;
            removed.map_err(engine("removing the builder"))?;
        }
        if !keep_state {
            let removed = self.engine.remove_volume(VOLUME).await;
            removed.map_err(engine("removing the cache of the builder"))?;
        }
        Ok(found)
    }

    async fn make(&self, settings: &BuilderSettings) -> Result<(), BuilderError> {
        let image = settings.image();
        if !self.engine.has_image(&image).await.map_err(engine("looking for its image"))? {
            (self.tell)(&format!("pulling {image} for the builder `{OWN}`"));
            let pull = |reason: String| BuilderError::Pull { image: image.clone(), reason };
            let login = self.credentials.lookup(image.repository.host()).await;
            let login = login.map_err(|error: CredentialError| pull(error.to_string()))?;
            let pulled = self.engine.pull(&image, login).await;
            pulled.map_err(|error| {
                let said = error.to_string();
                pull(self.credentials.redacted(&said).unwrap_or(said))
            })?;
        }
        let made = self.engine.create_service(&settings.service()).await;
        made.map_err(engine("creating the builder"))?;
        if let Some(config) = &settings.config {
            let uploaded = self.engine.upload(CONTAINER, archive(config)).await;
            uploaded.map_err(engine("copying the configuration into the builder"))?;
        }
        Ok(())
    }

    /// The error for an image without BuildKit's programs, if that is what the engine said.
    async fn check_program(&self, said: &str) -> Result<(), BuilderError> {
        if !lacks_program(said) {
            return Ok(());
        }
        let found = self.engine.service(CONTAINER).await;
        match found.map_err(engine("looking for the builder"))? {
            Some(found) => Err(BuilderError::NotBuildkit { image: found.image }),
            None => Ok(()),
        }
    }

    /// Starts the container, and waits until buildkitd answers.
    async fn started(&self) -> Result<Node, NodeError> {
        // A running container is not an error.
        if let Err(error) = self.engine.start_container(CONTAINER).await {
            self.check_program(&error.message).await?;
            return Err(engine("starting the builder")(error).into());
        }
        let address = Buildkitd::DockerContainer { name: CONTAINER.to_owned() };
        let until = Instant::now() + START_TIMEOUT;
        loop {
            let opened = Node::of_buildkitd(address.clone(), Some(self.engine.clone())).await;
            let Err(NodeError::NoBuildkitd { reason, .. }) = &opened else { return opened };
            self.check_program(reason).await?;
            let found = self.engine.service(CONTAINER).await;
            let found = found.map_err(engine("looking for the builder"))?;
            if let Some(ended) = found.filter(|found| !found.running) {
                let said = self.engine.last_lines(CONTAINER).await.unwrap_or_default();
                let lines: Vec<&str> = said.lines().map(str::trim).collect();
                let (code, said) = (ended.exit_code, lines.join("; "));
                return Err(BuilderError::Ended { code, said }.into());
            }
            if Instant::now() >= until {
                return opened;
            }
            sleep(START_PAUSE).await;
        }
    }
}

/// Whether the engine says that a container has no such program.
fn lacks_program(said: &str) -> bool {
    said.contains("executable file not found")
        || said.contains("exec: ") && said.contains("no such file or directory")
}

fn engine(what: &'static str) -> impl Fn(ContainerError) -> BuilderError {
    move |source| BuilderError::Engine { what, source }
}

/// A tar archive with buildkitd.toml.
fn archive(config: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(config.len() as u64);
    header.set_mode(0o600);
    let mut archive = tar::Builder::new(Vec::new());
    let added = archive.append_data(&mut header, CONFIG, config.as_bytes());
    added.and_then(|()| archive.into_inner()).expect("memory can be written to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_the_names_of_buildx() {
        let mut settings = BuilderSettings::default();
        for option in [
            "image=r.example/buildkit:1",
            "network=host",
            "cgroup-parent=/x",
            "cpuset-cpus=0-1",
            "cpu-quota=50000",
            "memory=512m",
            "env.HTTP_PROXY=http://p.example",
        ] {
            settings.set(option).unwrap();
        }
        let service = settings.service();
        assert_eq!(service.image, "r.example/buildkit:1");
        assert_eq!(service.env, ["HTTP_PROXY=http://p.example"]);
        let limits = ServiceLimits {
            network: Some("host".to_owned()),
            cgroup_parent: Some("/x".to_owned()),
            cpuset_cpus: Some("0-1".to_owned()),
            cpu_quota: Some(50_000),
            memory: Some(512 << 20),
        };
        assert_eq!(service.limits, limits);
        for (option, expected) in [
            ("network", "`network` must be NAME=VALUE"),
            ("network=", "must be NAME=VALUE"),
            ("memory=lots", "`lots` is not a size"),
            ("memory=-1g", "is not a size"),
            ("cpu-quota=0", "greater than zero"),
            ("image=A B", "`A B`"),
            ("env.=x", "the options are image, network"),
            ("provenance=x", "the options are image, network"),
        ] {
            let error = BuilderSettings::default().set(option).unwrap_err();
            assert!(error.contains(expected), "{option}: {error}");
        }
    }

    #[test]
    fn an_image_without_buildkitd_is_recognised() {
        for (said, expected) in [
            ("exec: \"buildctl\": executable file not found in $PATH: unknown", true),
            (
                "OCI runtime exec failed: exec: \"/bin/x\": stat /bin/x: no such file or directory",
                true,
            ),
            (
                "could not connect to unix:///run/buildkit/buildkitd.sock: no such file or directory",
                false,
            ),
        ] {
            assert_eq!(lacks_program(said), expected, "{said}");
        }
    }

    #[test]
    fn the_label_shows_no_value() {
        let mut settings = BuilderSettings::default();
        let default = settings.fingerprint();
        settings.set("env.TOKEN=hunter2").unwrap();
        assert_ne!(settings.fingerprint(), default);
        assert!(settings.service().labels.values().all(|value| !value.contains("hunter2")));
    }
}
