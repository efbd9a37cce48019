//! The registry client against the lab's registries: one open to all, one with a password.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use onebuild::parts::{
    Credentials, Digest, DockerConfig, Patience, Platform, Proxies, Reference, Registry,
    RegistryClient, RegistryFault, Settle, VerifyError, verify,
};
use reqwest::{Client, Method, RequestBuilder, Response};

use crate::lab_env;

const OCI: &str = "application/vnd.oci.image";

/// Uploads objects to a registry with simple requests, independently of the client under test.
struct Pusher {
    http: Client,
    host: String,
    repository: String,
    login: Option<(&'static str, &'static str)>,
}

impl Pusher {
    fn new(host: String, name: &str, login: Option<(&'static str, &'static str)>) -> Self {
        let http = Client::builder().no_proxy().build().unwrap();
        Self { http, host, repository: format!("onebuild-tests/{name}"), login }
    }

    fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let request = self.http.request(method, url);
        match self.login {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    async fn sent(request: RequestBuilder) -> Response {
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "the pusher got {}", response.status());
        response
    }

    async fn blob(&self, bytes: &str) -> Digest {
        let base = format!("http://{}", self.host);
        let start = format!("{base}/v2/{}/blobs/uploads/", self.repository);
        let begun = Self::sent(self.request(Method::POST, &start)).await;
        let location = begun.headers()["location"].to_str().unwrap();
        let mut url = reqwest::Url::parse(&base).unwrap().join(location).unwrap();
        let digest = Digest::of(bytes.as_bytes());
        url.query_pairs_mut().append_pair("digest", digest.as_str());
        let put = self.request(Method::PUT, url.as_str()).body(bytes.to_owned());
        Self::sent(put).await;
        digest
    }

    async fn manifest(&self, name: &str, kind: &str, text: String) -> Digest {
        let digest = Digest::of(text.as_bytes());
        let name = if name.is_empty() { digest.as_str() } else { name };
        let url = format!("http://{}/v2/{}/manifests/{name}", self.host, self.repository);
        let put = self.request(Method::PUT, &url);
        Self::sent(put.header("content-type", format!("{OCI}.{kind}.v1+json")).body(text)).await;
        digest
    }

    /// An image without layers; untagged if `tag` is empty. Returns its digest and size.
    async fn image(&self, tag: &str, architecture: &str) -> (Digest, usize) {
        let config = format!(
            r#"{{"os":"linux","architecture":"{architecture}","rootfs":{{"type":"layers","diff_ids":[]}}}}"#
        );
        let digest = self.blob(&config).await;
        let size = config.len();
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI}.manifest.v1+json","config":{{"mediaType":"{OCI}.config.v1+json","digest":"{digest}","size":{size}}},"layers":[]}}"#
        );
        let size = text.len();
        (self.manifest(tag, "manifest", text).await, size)
    }

    async fn index(&self, tag: &str, architectures: &[&str]) -> Digest {
        let mut entries = Vec::new();
        for architecture in architectures {
            let (digest, size) = self.image("", architecture).await;
            entries.push(format!(
                r#"{{"mediaType":"{OCI}.manifest.v1+json","digest":"{digest}","size":{size},"platform":{{"os":"linux","architecture":"{architecture}"}}}}"#
            ));
        }
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI}.index.v1+json","manifests":[{}]}}"#,
            entries.join(",")
        );
        self.manifest(tag, "index", text).await
    }

    fn reference(&self, tag: &str) -> Reference {
        format!("{}/{}:{tag}", self.host, self.repository).parse().unwrap()
    }
}

fn client(config: &str) -> RegistryClient {
    let config = DockerConfig::parse(Path::new("config.json"), config.as_bytes()).unwrap();
    let credentials = Credentials::new(config, OsStr::new(""));
    RegistryClient::new(Arc::new(credentials), Patience::default(), Proxies::default())
}

fn with_login(host: &str, password: &str) -> RegistryClient {
    client(&format!(
        r#"{{"auths": {{"{host}": {{"username": "lab", "password": "{password}"}}}}}}"#
    ))
}

/// The result of a strict verification, without waiting for missing images.
async fn verified(
    registry: &RegistryClient,
    reference: &Reference,
    digest: &Digest,
    wanted: &[&str],
) -> Result<(), VerifyError> {
    let settle = Settle { attempts: 1, ..Settle::default() };
    verify(registry, reference, digest, &platforms(wanted), true, &settle).await
}

fn platforms(names: &[&str]) -> Vec<Platform> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_push_is_verified_by_digest_and_platforms() {
    let pusher = Pusher::new(lab_env("ONEBUILD_LAB_REGISTRY"), "verified", None);
    let digest = pusher.index("1.0", &["amd64", "arm64"]).await;
    let (registry, reference) = (client("{}"), pusher.reference("1.0"));
    let both = ["linux/amd64", "linux/arm64"];
    verified(&registry, &reference, &digest, &both).await.unwrap();

    let third = verified(&registry, &reference, &digest, &["linux/s390x"]).await;
    assert!(matches!(third, Err(VerifyError::MissingPlatforms { .. })));
    let other = verified(&registry, &reference, &Digest::of(b"other"), &both).await;
    assert!(matches!(other, Err(VerifyError::OtherDigest { .. })));
}

#[tokio::test]
async fn a_single_image_is_verified_by_its_configuration() {
    let pusher = Pusher::new(lab_env("ONEBUILD_LAB_REGISTRY"), "single", None);
    let (digest, _) = pusher.image("1.0", "arm64").await;
    let (registry, reference) = (client("{}"), pusher.reference("1.0"));
    verified(&registry, &reference, &digest, &["linux/arm64"]).await.unwrap();
    let by_digest = Reference { tag: None, digest: Some(digest.clone()), ..reference };
    assert_eq!(registry.manifest(&by_digest).await.unwrap().digest, digest);
}

#[tokio::test]
async fn an_image_that_was_never_pushed_is_not_found() {
    let pusher = Pusher::new(lab_env("ONEBUILD_LAB_REGISTRY"), "existing", None);
    pusher.image("1.0", "amd64").await;
    let error = client("{}").manifest(&pusher.reference("2.0")).await.unwrap_err();
    assert!(matches!(error.fault(), RegistryFault::NotFound), "{error}");
}

#[tokio::test]
async fn a_registry_with_a_password_only_accepts_the_right_one() {
    let host = lab_env("ONEBUILD_LAB_AUTH_REGISTRY");
    let pusher = Pusher::new(host.clone(), "guarded", Some(("lab", "lab-secret")));
    let digest = pusher.index("1.0", &["amd64"]).await;
    let reference = pusher.reference("1.0");
    let registry = with_login(&host, "lab-secret");
    verified(&registry, &reference, &digest, &["linux/amd64"]).await.unwrap();
    registry.may_push(&reference).await.unwrap();
    let refused = client("{}").may_push(&reference).await.unwrap_err();
    assert!(refused.to_string().contains("not logged in"), "{refused}");

    let wrong = with_login(&host, "wrong").manifest(&reference).await.unwrap_err();
    assert!(matches!(wrong.fault(), RegistryFault::Unauthorized { with_login: true }), "{wrong}");
    let none = client("{}").manifest(&reference).await.unwrap_err();
    assert!(matches!(none.fault(), RegistryFault::Unauthorized { with_login: false }), "{none}");
    let help = format!(
        "log in: docker login {host} or onebuild login {host} --username NAME --password-stdin"
    );
    assert_eq!(none.help().unwrap(), help);
}
