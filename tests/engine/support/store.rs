//! The content of a registry, by plain HTTP.

use onebuild::parts::Digest;
use serde_json::Value;

const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// One repository of a registry.
pub struct Store {
    host: String,
    name: String,
    login: Option<(String, String)>,
}

impl Store {
    pub fn new(host: String, name: String) -> Self {
        Self { host, name, login: None }
    }

    pub fn with_login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }

    fn get(&self, path: &str) -> Option<Vec<u8>> {
        let url = format!("http://{}/v2/{}/{path}", self.host, self.name);
        let asked = async {
            let http = http();
            let mut request = http.get(&url).header("accept", ACCEPT);
            if let Some((user, password)) = &self.login {
                request = request.basic_auth(user, Some(password));
            }
            let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
            match response.status().as_u16() {
                404 => None,
                200 => Some(response.bytes().await.unwrap().to_vec()),
                other => panic!("{url}: the registry answered {other}"),
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(asked)
    }

    /// Uploads a blob with simple requests.
    pub async fn put_blob(&self, bytes: Vec<u8>) {
        let http = http();
        let base = format!("http://{}/v2/{}/blobs/uploads/", self.host, self.name);
        let begun = http.post(&base).send().await.unwrap();
        let location = begun.headers()["location"].to_str().unwrap();
        let mut url = reqwest::Url::parse(&base).unwrap().join(location).unwrap();
        url.query_pairs_mut().append_pair("digest", Digest::of(&bytes).as_str());
        let put = http.put(url).body(bytes).send().await.unwrap();
        assert_eq!(put.status(), 201);
    }

    /// Uploads a manifest: under a tag, or only by its digest.
    pub async fn put_manifest(&self, tag: Option<&str>, manifest: &Value) {
        let http = http();
        let kind = manifest["mediaType"].as_str().expect("it has a media type");
        let body = manifest.to_string();
        let digest = Digest::of(body.as_bytes()).to_string();
        let name = tag.unwrap_or(&digest);
        let url = format!("http://{}/v2/{}/manifests/{name}", self.host, self.name);
        let put = http.put(url).header("content-type", kind).body(body).send().await.unwrap();
        assert_eq!(put.status(), 201);
    }

    /// The digest, computed, and the manifest of a tag or digest.
    pub fn manifest(&self, reference: &str) -> Option<(String, Value)> {
        let bytes = self.get(&format!("manifests/{reference}"))?;
        let value = serde_json::from_slice(&bytes).expect("a manifest is JSON");
        Some((Digest::of(&bytes).to_string(), value))
    }

    pub fn digest(&self, tag: &str) -> String {
        self.manifest(tag).unwrap_or_else(|| panic!("{}:{tag} was not pushed", self.name)).0
    }

    pub fn has(&self, tag: &str) -> bool {
        self.manifest(tag).is_some()
    }

    /// The images of a tag by platform; attestations are under `unknown/unknown`.
    pub fn images(&self, tag: &str) -> Vec<(String, Value)> {
        let (_, manifest) = self.manifest(tag).unwrap_or_else(|| panic!("{tag} was not pushed"));
        let Some(entries) = manifest["manifests"].as_array() else {
            let config = self.config(&manifest);
            let platform = |key| config[key].as_str().unwrap_or_default().to_owned();
            return vec![(format!("{}/{}", platform("os"), platform("architecture")), manifest)];
        };
        let image = |entry: &Value| {
            let part = |key: &str| entry["platform"][key].as_str().unwrap_or_default().to_owned();
            let digest = entry["digest"].as_str().expect("an entry has a digest");
            let (_, manifest) = self.manifest(digest).expect("an index names existing manifests");
            (format!("{}/{}", part("os"), part("architecture")), manifest)
        };
        let mut images: Vec<_> = entries.iter().map(image).collect();
        images.sort_by(|one, other| one.0.cmp(&other.0));
        images
    }

    pub fn platforms(&self, tag: &str) -> Vec<String> {
        self.images(tag).into_iter().map(|(platform, _)| platform).collect()
    }

    /// The configuration of an image.
    pub fn config(&self, manifest: &Value) -> Value {
        let digest = manifest["config"]["digest"].as_str().expect("an image has a config");
        serde_json::from_slice(&self.blob(digest)).expect("a config is JSON")
    }

    pub fn blob(&self, digest: &str) -> Vec<u8> {
        let bytes = self.get(&format!("blobs/{digest}")).expect("a manifest names existing blobs");
        assert_eq!(Digest::of(&bytes).to_string(), digest);
        bytes
    }

    /// The text of everything that a tag refers to except layers: manifests, configs, attestations.
    pub fn words(&self, tag: &str) -> String {
        let (_, top) = self.manifest(tag).unwrap_or_else(|| panic!("{tag} was not pushed"));
        let mut words = top.to_string();
        for (_, manifest) in self.images(tag) {
            words += &manifest.to_string();
            words += &self.config(&manifest).to_string();
            for layer in manifest["layers"].as_array().into_iter().flatten() {
                if layer["mediaType"].as_str().is_some_and(|kind| kind.contains("in-toto")) {
                    let digest = layer["digest"].as_str().expect("a layer has a digest");
                    words += &String::from_utf8_lossy(&self.blob(digest));
                }
            }
        }
        words
    }
}

/// A client for plain HTTP: reading the machine's certificates would take a while.
pub fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
