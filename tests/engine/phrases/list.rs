//! The failures to provoke.

use crate::support::Fault;

pub const PULL: &str = "pull";
pub const PUSH: &str = "push";

/// A failure to provoke.
pub struct Provoked {
    /// `push 403 envelope`.
    pub name: String,
    pub phase: &'static str,
    pub registry: Registry,
    /// The fault in `Debug` format.
    pub kind: &'static str,
}

pub enum Registry {
    /// Responds with `fault` to each request with this method, or any, whose path contains this
    /// string.
    Faulty { method: &'static str, path: &'static str, fault: Fault },
    /// Is not on loopback, and has no TLS.
    Plain,
    /// Is not on loopback, and has a self-signed certificate.
    Untrusted,
    /// Does not answer, or has no address.
    Absent(&'static str),
    /// Requires a token, and its token server answers with this.
    Token(Fault),
    /// Has a base image, and responds with this fault to requests for its layer or configuration.
    Blob { layer: bool, fault: Fault },
    /// Has a base image, but not for the platform.
    NoPlatform,
    /// Accepts the image, but responds with this fault to uploads of the cache.
    Cache(Fault),
}

const MANIFEST: &str = "/manifests/";
const UPLOAD: &str = "/blobs/uploads/";

const UNAUTHORIZED: &str = "Unauthorized { with_login: false }";
const DENIED: &str = "Denied { with_login: false }";
const RATE_LIMITED: &str = "RateLimited { wait: None }";
const OTHER_DIGEST: &str = "OtherDigest { found: None }";
const WITHOUT_CONTENT: &str = "Malformed(\"a manifest that refers to missing content\")";
const S413: &str = "Status { status: Some(413), errors: [] }";
const S500: &str = "Status { status: Some(500), errors: [] }";
const S503: &str = "Status { status: Some(503), errors: [] }";

impl Provoked {
    /// Alternative classifications of an engine's message. Some engines omit details.
    pub fn is_kind(&self, kind: &str) -> bool {
        let left_out = match self.name.as_str() {
            "push 500 envelope" | "push 500 words" => "Unexplained",
            // The message does not mention the token server.
            "push token denied" => DENIED,
            // The status without the code.
            "push invalid digest blob" => "Status { status: Some(400), errors: [] }",
            _ => self.kind,
        };
        kind == self.kind || kind == left_out
    }
}

pub fn everything() -> Vec<Provoked> {
    let envelope = Fault::envelope;
    let access = "requested access to the resource is denied";
    let answers = [
        ("401", Fault::status(401), UNAUTHORIZED),
        (
            "401 basic",
            Fault::status(401).header("www-authenticate", "Basic realm=\"x\""),
            UNAUTHORIZED,
        ),
        ("401 envelope", envelope(401, "UNAUTHORIZED", "authentication required"), UNAUTHORIZED),
        ("403", Fault::status(403), DENIED),
        ("403 envelope", envelope(403, "DENIED", access), DENIED),
        ("404", Fault::status(404), "NotFound"),
        (
            "404 name",
            envelope(404, "NAME_UNKNOWN", "repository name not known to registry"),
            "NotFound",
        ),
        ("404 manifest", envelope(404, "MANIFEST_UNKNOWN", "manifest unknown"), "NotFound"),
        ("429", Fault::status(429), RATE_LIMITED),
        ("429 envelope", envelope(429, "TOOMANYREQUESTS", "rate limit exceeded"), RATE_LIMITED),
        ("500", Fault::status(500), S500),
        ("500 envelope", envelope(500, "UNKNOWN", "unknown error"), S500),
        ("500 words", envelope(500, "UNKNOWN", "disk is full"), S500),
        ("503", Fault::status(503), S503),
        ("503 envelope", envelope(503, "UNAVAILABLE", "service unavailable"), S503),
        ("reset", Fault::Reset, "ConnectionLost"),
    ];
    let mut all = Vec::new();
    let mut add = |phase, name: &str, registry, kind| {
        all.push(Provoked { name: format!("{phase} {name}"), phase, registry, kind });
    };
    for (name, fault, kind) in answers {
        let pull = Registry::Faulty { method: "", path: MANIFEST, fault: fault.clone() };
        add(PULL, name, pull, kind);
        add(PUSH, name, Registry::Faulty { method: "POST", path: UPLOAD, fault }, kind);
    }
    for phase in [PULL, PUSH] {
        add(phase, "refused", Registry::Absent("127.0.0.1:1"), "ConnectionRefused");
        add(phase, "unknown host", Registry::Absent("registry.invalid:5000"), "UnknownHost");
        add(phase, "plain http", Registry::Plain, "PlainHttp");
        add(phase, "untrusted", Registry::Untrusted, "Tls(\"\")");
        add(phase, "token 401", Registry::Token(Fault::status(401)), UNAUTHORIZED);
        add(phase, "token 403", Registry::Token(Fault::status(403)), UNAUTHORIZED);
        add(phase, "token denied", Registry::Token(envelope(403, "DENIED", access)), UNAUTHORIZED);
        add(phase, "token 500", Registry::Token(Fault::status(500)), S500);
        add(phase, "token reset", Registry::Token(Fault::Reset), "ConnectionLost");
    }
    for (name, fault, kind) in [
        ("layer 403", Fault::status(403), DENIED),
        ("layer 404", Fault::status(404), WITHOUT_CONTENT),
        ("layer 429", Fault::status(429), RATE_LIMITED),
        ("layer 500", Fault::status(500), S500),
        ("layer 503", Fault::status(503), S503),
        ("layer reset", Fault::Reset, "ConnectionLost"),
        ("layer short", Fault::status(200), "ConnectionLost"),
        ("layer other", Fault::other_bytes(2048), OTHER_DIGEST),
    ] {
        add(PULL, name, Registry::Blob { layer: true, fault }, kind);
    }
    add(
        PULL,
        "config 404",
        Registry::Blob { layer: false, fault: Fault::status(404) },
        WITHOUT_CONTENT,
    );
    add(PULL, "config 500", Registry::Blob { layer: false, fault: Fault::status(500) }, S500);
    add(PULL, "no platform", Registry::NoPlatform, "NoPlatform");
    add(PUSH, "cache 403", Registry::Cache(Fault::status(403)), DENIED);
    add(PUSH, "cache 500", Registry::Cache(Fault::status(500)), S500);
    add(PUSH, "cache 503", Registry::Cache(Fault::status(503)), S503);
    add(PUSH, "cache denied", Registry::Cache(envelope(403, "DENIED", access)), DENIED);
    add(PUSH, "cache reset", Registry::Cache(Fault::Reset), "ConnectionLost");
    let invalid = envelope(400, "DIGEST_INVALID", "provided digest did not match");
    for (name, path, fault, kind) in [
        ("413 blob", UPLOAD, Fault::status(413), S413),
        ("500 blob", UPLOAD, Fault::status(500), S500),
        ("wrong digest blob", UPLOAD, Fault::OtherDigest, OTHER_DIGEST),
        ("invalid digest blob", UPLOAD, invalid, OTHER_DIGEST),
        ("403 tag", MANIFEST, Fault::status(403), DENIED),
        ("403 tag envelope", MANIFEST, envelope(403, "DENIED", access), DENIED),
        ("413 tag", MANIFEST, Fault::status(413), S413),
        ("429 tag", MANIFEST, Fault::status(429), RATE_LIMITED),
        ("500 tag", MANIFEST, Fault::status(500), S500),
        ("503 tag", MANIFEST, Fault::status(503), S503),
        ("wrong digest tag", MANIFEST, Fault::OtherDigest, OTHER_DIGEST),
        ("reset tag", MANIFEST, Fault::Reset, "ConnectionLost"),
    ] {
        add(PUSH, name, Registry::Faulty { method: "PUT", path, fault }, kind);
    }
    all
}
