//! Provokes one failure.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use onebuild::parts::{Cache, CellResult, Digest, EngineBuilder, Kind, Output};
use serde_json::json;

use super::Said;
use super::list::{PULL, Provoked, Registry};
use super::stable::stable;
use crate::support::{Fault, FaultyRegistry, Project, Store, built, lab_env, request};

pub async fn provoke(builder: &EngineBuilder, provoked: &Provoked) -> Said {
    let faulty;
    let host = match &provoked.registry {
        Registry::Faulty { method, path, fault } => {
            let (method, path, fault) = (*method, *path, fault.clone());
            faulty = FaultyRegistry::start();
            faulty.rule(move |asked| {
                let is_it = method.is_empty() || asked.method == *method;
                (is_it && asked.path.contains(path)).then(|| fault.clone())
            });
            &faulty.host
        }
        Registry::Plain => {
            faulty = FaultyRegistry::start_on(own_address());
            &faulty.host
        }
        Registry::Untrusted => {
            faulty = FaultyRegistry::start_with_tls(own_address());
            &faulty.host
        }
        Registry::Absent(host) => *host,
        Registry::Token(fault) => {
            faulty = FaultyRegistry::start();
            let (fault, host) = (fault.clone(), faulty.host.clone());
            faulty.rule(move |asked| {
                if asked.path.starts_with("/token") {
                    return Some(fault.clone());
                }
                let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"lab\"");
                Some(Fault::status(401).header("www-authenticate", &challenge))
            });
            &faulty.host
        }
        Registry::Blob { layer, fault } => {
            let base = base_image(&provoked.name).await;
            let blob = if *layer { base.layer } else { base.config };
            faulty = FaultyRegistry::start();
            let fault = fault.clone();
            faulty.rule(move |asked| asked.path.ends_with(&blob).then(|| fault.clone()));
            &faulty.host
        }
        Registry::NoPlatform => {
            base_image(&provoked.name).await;
            faulty = FaultyRegistry::start();
            &faulty.host
        }
        Registry::Cache(fault) => {
            faulty = FaultyRegistry::start();
            let fault = fault.clone();
            faulty.rule(move |asked| {
                let is_it = asked.path.contains("phrases-cache") && asked.method != "GET";
                is_it.then(|| fault.clone())
            });
            &faulty.host
        }
    };
    let project = Project::single("phrases", "");
    project.file("context/content", format!("{} {}", provoked.name, project.nonce()));
    let image = format!("{host}/onebuild-tests/phrases");
    let result = if provoked.phase == PULL {
        let dockerfile = format!("FROM {image}:{}\nCOPY content /\n", tag(&provoked.name));
        let mut request = request(&project, &image, &dockerfile, Output::Nothing);
        if matches!(provoked.registry, Registry::NoPlatform) {
            request.recipe.platforms = vec!["linux/s390x".parse().unwrap()];
        }
        built(builder, &request).await
    } else {
        let dockerfile = "FROM scratch\nCOPY content /\n";
        let mut request = request(&project, &image, dockerfile, Output::Push);
        if matches!(provoked.registry, Registry::Cache(_)) {
            let cache = format!("type=registry,ref={image}-cache:v1,mode=max");
            request.policy.caches.to = Cache::parse(&cache).unwrap();
        }
        built(builder, &request).await
    };
    let CellResult::Failed(failure) = result else {
        panic!("{}: {result:?}", provoked.name);
    };
    let kind = match &failure.kind {
        Kind::Registry { fault, .. } => format!("{fault:?}"),
        other => format!("{other:?}"),
    };
    let phase = format!("{:?}", failure.phase).to_lowercase();
    let text = failure.verbatim.unwrap_or(failure.message);
    Said { phase, kind, text: stable(&text, host) }
}

/// Digests of the content of `phrases:base` in the lab's registry.
pub(crate) struct Base {
    pub(crate) config: String,
    pub(crate) layer: String,
}

/// Puts a base image for linux/amd64 into the lab's registry that is new to the engine: a layer
/// with one file, which contains the name and the time.
pub(crate) async fn base_image(name: &str) -> Base {
    let name = tag(name);
    let store = Store::new(lab_env("ONEBUILD_LAB_REGISTRY"), "onebuild-tests/phrases".to_owned());
    let mut archive = tar::Builder::new(Vec::new());
    let content = format!("{name} {:?}", std::time::SystemTime::now());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, "base", content.as_bytes()).unwrap();
    let layer = archive.into_inner().unwrap();
    let digest = Digest::of(&layer).to_string();
    let config = json!({ "os": "linux", "architecture": "amd64", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [digest] } })
    .to_string();
    let described = |kind: &str, bytes: &[u8]| {
        json!({ "mediaType": format!("application/vnd.oci.image.{kind}"),
            "digest": Digest::of(bytes).to_string(), "size": bytes.len() })
    };
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described("config.v1+json", config.as_bytes()),
        "layers": [described("layer.v1.tar", &layer)],
    });
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": Digest::of(manifest.to_string().as_bytes()).to_string(),
            "size": manifest.to_string().len(),
            "platform": { "os": "linux", "architecture": "amd64" } }],
    });
    let base = Base { config: Digest::of(config.as_bytes()).to_string(), layer: digest };
    store.put_blob(layer).await;
    store.put_blob(config.into_bytes()).await;
    store.put_manifest(None, &manifest).await;
    store.put_manifest(Some(&name), &index).await;
    base
}

/// Each base image has its own tag, because they are pushed concurrently.
fn tag(name: &str) -> String {
    name.replace(' ', "-")
}

/// A non-loopback address of this machine.
fn own_address() -> IpAddr {
    // Nothing is sent: the route to a documentation address determines the source address.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).expect("this machine has a network");
    socket.local_addr().unwrap().ip()
}
