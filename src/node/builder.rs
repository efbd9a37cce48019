//! What a node of a buildx builder is. Pure.

use thiserror::Error;

use super::address::{Buildkitd, InvalidAddress};
use crate::docker::{StoredBuilder, StoredNode};

/// What buildx puts in front of a node's name for the name of its container.
const CONTAINER: &str = "buildx_buildkit_";

/// Help for a builder without them.
const CERTIFICATES: &str = "create the builder again, with the paths of its certificates: docker buildx create \
     --driver remote --driver-opt cacert=PATH,cert=PATH,key=PATH tcp://HOST:PORT";

/// Options of the driver `remote` that are a part of our address.
const OF_ADDRESS: [&str; 4] = ["cacert", "cert", "key", "servername"];

/// Where a node of a builder is. `engine` is a docker context or endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NodePlace {
    /// The Docker Engine's own BuildKit.
    Docker {
        engine: String,
    },
    /// buildkitd in a container. With `made_by_buildx`, it may have been stopped, and may be started.
    Container {
        container: String,
        engine: String,
        made_by_buildx: bool,
    },
    Buildkitd(Buildkitd),
}

/// Why a node cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidNode {
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    #[error("onebuild cannot find the pods of the driver `kubernetes`")]
    Kubernetes { deployment: String, namespace: Option<String> },
    #[error("onebuild does not know the driver `{0}`")]
    Driver(String),
}

impl InvalidNode {
    /// What to do about it.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Address(InvalidAddress::Plain { given }) => {
                format!(
                    "{CERTIFICATES}; or accept it, in a network that you trust: --host 'buildkit+{given}?tls=false'"
                )
            }
            Self::Address(InvalidAddress::Half { .. }) => CERTIFICATES.to_owned(),
            Self::Address(error) => error.help(),
            Self::Kubernetes { deployment, namespace } => {
                let (flag, option) = match namespace {
                    Some(name) => (format!(" --namespace {name}"), format!("?namespace={name}")),
                    None => (String::new(), String::new()),
                };
                format!(
                    "list them with `kubectl get pods --selector app={deployment}{flag}`, and name one: \
                     --host 'kube-pod://POD{option}'"
                )
            }
            Self::Driver(_) => {
                "use a builder with the driver docker, docker-container or remote".to_owned()
            }
        }
    }
}

/// Where `node` of `builder` is.
pub(crate) fn place(builder: &StoredBuilder, node: &StoredNode) -> Result<NodePlace, InvalidNode> {
    let StoredNode { name, endpoint, options } = node;
    match &*builder.driver {
        "" | "docker" => Ok(NodePlace::Docker { engine: endpoint.clone() }),
        "docker-container" => Ok(NodePlace::Container {
            container: format!("{CONTAINER}{name}"),
            engine: endpoint.clone(),
            made_by_buildx: true,
        }),
        "remote" => remote(node),
        "kubernetes" => Err(InvalidNode::Kubernetes {
            deployment: name.replace('_', "-"),
            namespace: options.get("namespace").filter(|name| !name.is_empty()).cloned(),
        }),
        driver => Err(InvalidNode::Driver(driver.to_owned())),
    }
}

fn remote(node: &StoredNode) -> Result<NodePlace, InvalidNode> {
    let StoredNode { endpoint, options, .. } = node;
    // buildctl writes the docker context of such an address behind it.
    if let Some((address, context)) = endpoint.split_once("?context=")
        && address.starts_with("docker-container://")
        && let Buildkitd::DockerContainer { name } = Buildkitd::from_buildctl(address)?
    {
        return Ok(NodePlace::Container {
            container: name,
            engine: context.to_owned(),
            made_by_buildx: false,
        });
    }
    let mut address = endpoint.clone();
    if endpoint.starts_with("tcp://") {
        let mut url = reqwest::Url::parse("x:").expect("a URL without a path");
        for name in OF_ADDRESS {
            if let Some(value) = options.get(name).filter(|value| !value.is_empty()) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        if let Some(query) = url.query() {
            address = format!("{endpoint}?{query}");
        }
    }
    Ok(match Buildkitd::from_buildctl(&address)? {
        Buildkitd::DockerContainer { name } => {
            NodePlace::Container { container: name, engine: String::new(), made_by_buildx: false }
        }
        other => NodePlace::Buildkitd(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial::{TlsClient, TlsFiles};

    fn of(
        driver: &str,
        endpoint: &str,
        options: &[(&str, &str)],
    ) -> Result<NodePlace, InvalidNode> {
        let options = options.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        let node = StoredNode {
            name: "my_b0".into(),
            endpoint: endpoint.into(),
            options: options.collect(),
        };
        place(&StoredBuilder { name: "my_b".into(), driver: driver.into(), nodes: vec![] }, &node)
    }

    #[test]
    fn the_driver_decides_what_an_endpoint_is() {
        let container = |name: &str, engine: &str, made_by_buildx| NodePlace::Container {
            container: name.to_owned(),
            engine: engine.to_owned(),
            made_by_buildx,
        };
        let docker = |engine: &str| NodePlace::Docker { engine: engine.to_owned() };
        let buildkitd = |text: &str| NodePlace::Buildkitd(Buildkitd::from_buildctl(text).unwrap());
        for (driver, endpoint, expected) in [
            ("docker", "far", docker("far")),
            ("", "default", docker("default")),
            ("docker-container", "far", container("buildx_buildkit_my_b0", "far", true)),
            ("remote", "unix:///b.sock", buildkitd("unix:///b.sock")),
            ("remote", "tcp://localhost:1", buildkitd("tcp://localhost:1")),
            ("remote", "kube-pod://b?namespace=n", buildkitd("kube-pod://b?namespace=n")),
            ("remote", "podman-container://b", buildkitd("podman-container://b")),
            ("remote", "docker-container://b", container("b", "", false)),
            ("remote", "docker-container://b?context=far", container("b", "far", false)),
        ] {
            assert_eq!(of(driver, endpoint, &[]).unwrap(), expected, "{driver} {endpoint}");
        }
    }

    #[test]
    fn certificates_are_driver_options() {
        let options = [
            ("cacert", "/a b/ca.pem"),
            ("cert", "/c&d.pem"),
            ("key", "/k.pem"),
            ("servername", "s"),
            ("default-load", "true"),
        ];
        let found = of("remote", "tcp://b.example:9", &options).unwrap();
        let client = TlsClient::Pair { cert: "/c&d.pem".into(), key: "/k.pem".into() };
        let server_name = Some("s".to_owned());
        let tls = Some(TlsFiles { ca: "/a b/ca.pem".into(), client, server_name });
        let host = "b.example".to_owned();
        assert_eq!(found, NodePlace::Buildkitd(Buildkitd::Tcp { host, port: 9, tls }));
    }

    #[test]
    fn what_is_not_supported_is_said_with_what_to_do() {
        for (driver, endpoint, options, expected, help) in [
            (
                "kubernetes",
                "",
                &[("namespace", "n")][..],
                "`kubernetes`",
                "app=my-b0 --namespace n",
            ),
            ("cloud", "cloud://x", &[], "the driver `cloud`", "docker-container"),
            ("remote", "ssh://b.example", &[], "not an address of BuildKit", "engines.md"),
            ("remote", "tcp://b.example", &[], "without TLS", "cacert"),
            (
                "remote",
                "tcp://b.example:1",
                &[],
                "",
                "--host 'buildkit+tcp://b.example:1?tls=false'",
            ),
            ("remote", "tcp://b.example", &[("cert", "/c")], "has cert, but no key", ""),
            ("remote", "docker-container://$x?context=a", &[], "must name a container", ""),
        ] {
            let error = of(driver, endpoint, options).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.help().contains(help), "{}", error.help());
        }
    }
}
