//! The names that BuildKit and its Dockerfile frontend give to vertices and transfers.
//!
//! They are free text for humans. Only this file parses them.

/// A parsed vertex name: `[linux/arm64 stage-1 2/5] RUN apk add curl`.
///
/// BuildKit writes the prefix as free text; if it cannot be parsed, all of it is the name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VertexName {
    /// `linux/arm64`, if the solve has several platforms.
    pub platform: Option<String>,
    /// The stage's name; the frontend's own `stage-N` if it has none.
    pub stage: Option<String>,
    /// (number, total), from 1.
    pub position: Option<(u32, u32)>,
    /// BuildKit's own work, such as loading the build definition.
    pub internal: bool,
    /// The action: `RUN apk add curl`.
    pub text: String,
    pub kind: VertexKind,
}

/// The kind of a vertex, as far as its name shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum VertexKind {
    /// An instruction of the Dockerfile other than FROM.
    Instruction,
    /// Reads an image; `is_from` for a FROM instruction, which belongs to a stage.
    Image { image: String, is_from: bool },
    /// Requests the manifest and configuration of an image from a registry.
    Metadata { image: String },
    /// Reads the manifest of a cache; a reference for a cache in a registry.
    CacheImport { from: String },
    /// Writes a cache.
    CacheExport { is_registry: bool },
    /// Exports the result: to a store, a registry or the client.
    Output,
    #[default]
    Other,
}

impl VertexKind {
    /// Whether it exports the result or a cache.
    pub fn is_output(&self) -> bool {
        matches!(self, Self::Output | Self::CacheExport { .. })
    }

    fn parse(text: &str, position: Option<(u32, u32)>) -> Self {
        let image = |image: &str, is_from| {
            let image = image.split(' ').next().unwrap_or(image);
            Self::Image { image: without_scheme(image), is_from }
        };
        if let Some(from) = text.strip_prefix("FROM ") {
            return image(from, true);
        }
        // The text of an instruction is the user's, and may contain anything.
        if position.is_some() {
            return Self::Instruction;
        }
        for head in ["load metadata for ", "resolve image config for "] {
            if let Some((_, image)) = text.split_once(head) {
                return Self::Metadata { image: without_scheme(image) };
            }
        }
        if let Some(from) = text.strip_prefix("importing cache manifest from ") {
            return Self::CacheImport { from: from.to_owned() };
        }
        if text.starts_with("exporting cache") {
            return Self::CacheExport {
                is_registry: text.starts_with("exporting cache to registry"),
            };
        }
        if text.starts_with("docker-image://") {
            return image(text, false);
        }
        if OUTPUTS.iter().any(|head| text.starts_with(head)) {
            return Self::Output;
        }
        Self::Other
    }
}

/// The prefixes of vertices that export a result.
const OUTPUTS: [&str; 4] = ["exporting", "pushing", "copying files", "sending tarball"];

fn without_scheme(image: &str) -> String {
    image.strip_prefix("docker-image://").unwrap_or(image).to_owned()
}

/// The parsed name of a transfer in a vertex: `pushing layers`, `sha256:1f2e…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransferName {
    pub text: String,
    pub kind: TransferKind,
}

/// The kind of a transfer, as far as its name shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransferKind {
    /// Reads a blob or a manifest from a registry.
    Download,
    /// Unpacks a layer, inside of the engine.
    Extract,
    /// Wrote a manifest with this digest to the engine's store.
    Manifest {
        digest: String,
    },
    /// Uploads all layers of the result.
    PushLayers,
    /// Uploads a manifest under this reference, to which BuildKit adds the digest.
    PushManifest {
        reference: String,
    },
    /// Uploads a layer with this digest to a cache.
    CacheLayer {
        digest: String,
    },
    /// Uploads another part of a cache.
    CachePart,
    Other,
}

impl TransferName {
    /// Parses a name.
    pub fn parse(name: &str) -> Self {
        let digest = |prefix: &str| {
            let rest = name.strip_prefix(prefix)?;
            rest.starts_with("sha256:").then(|| rest.to_owned())
        };
        let kind = if name.starts_with("resolve ") || name.starts_with("sha256:") {
            TransferKind::Download
        } else if name.starts_with("extracting ") {
            TransferKind::Extract
        } else if let Some(digest) = digest("exporting manifest ") {
            TransferKind::Manifest { digest }
        } else if name == "pushing layers" {
            TransferKind::PushLayers
        } else if let Some(reference) = name.strip_prefix("pushing manifest for ") {
            TransferKind::PushManifest { reference: reference.to_owned() }
        } else if let Some(layer) = name.strip_prefix("writing layer ") {
            TransferKind::CacheLayer { digest: layer.to_owned() }
        } else if name.starts_with("writing ") {
            TransferKind::CachePart
        } else {
            TransferKind::Other
        };
        Self { text: name.to_owned(), kind }
    }

    /// Whether the name contains a digest, as for one of many blobs. Users do not know them by
    /// digest.
    pub fn has_digest(&self) -> bool {
        self.text.contains("sha256:")
    }
}

impl VertexName {
    /// Parses a vertex name.
    pub fn parse(name: &str) -> Self {
        let plain = || Self {
            text: name.to_owned(),
            kind: VertexKind::parse(name, None),
            ..Self::default()
        };
        let Some((head, text)) = name.strip_prefix('[').and_then(|rest| rest.split_once("] "))
        else {
            return plain();
        };
        let mut parsed = Self { text: text.to_owned(), ..Self::default() };
        let mut words: Vec<&str> = head.split_ascii_whitespace().collect();
        if words.first().is_some_and(|word| is_platform(word)) {
            parsed.platform = Some(words.remove(0).to_owned());
        }
        match words.as_slice() {
            ["internal"] => parsed.internal = true,
            ["auth"] | ["context" | "dockerfile", ..] => {
                parsed.internal = true;
                parsed.text = name.to_owned();
            }
            [position] if fraction(position).is_some() => parsed.position = fraction(position),
            [stage, position] if fraction(position).is_some() => {
                parsed.stage = Some((*stage).to_owned());
                parsed.position = fraction(position);
            }
            _ => return plain(),
        }
        parsed.kind = VertexKind::parse(&parsed.text, parsed.position);
        parsed
    }
}

fn is_platform(word: &str) -> bool {
    let mut parts = word.split('/');
    parts.next().is_some_and(|os| !os.is_empty() && os.chars().all(|c| c.is_ascii_lowercase()))
        && parts.clone().count() >= 1
        && parts.all(|part| part.chars().all(|c| c.is_ascii_alphanumeric()))
}

fn fraction(word: &str) -> Option<(u32, u32)> {
    let (number, of) = word.split_once('/')?;
    Some((number.parse().ok()?, of.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_name_is_parsed() {
        let name = |platform: Option<&str>, stage: Option<&str>, position, internal, text: &str| {
            (
                platform.map(str::to_owned),
                stage.map(str::to_owned),
                position,
                internal,
                text.to_owned(),
            )
        };
        for (given, wanted) in [
            ("[2/5] RUN a", name(None, None, Some((2, 5)), false, "RUN a")),
            (
                "[linux/arm64 stage-1 2/5] RUN a ] b",
                name(Some("linux/arm64"), Some("stage-1"), Some((2, 5)), false, "RUN a ] b"),
            ),
            (
                "[linux/arm/v7 1/2] FROM x",
                name(Some("linux/arm/v7"), None, Some((1, 2)), false, "FROM x"),
            ),
            ("[base 1/1] FROM x", name(None, Some("base"), Some((1, 1)), false, "FROM x")),
            ("[internal] load .dockerignore", name(None, None, None, true, "load .dockerignore")),
            (
                "[linux/amd64 internal] load metadata for x",
                name(Some("linux/amd64"), None, None, true, "load metadata for x"),
            ),
            (
                "[auth] a/b:pull token for c",
                name(None, None, None, true, "[auth] a/b:pull token for c"),
            ),
            ("exporting to image", name(None, None, None, false, "exporting to image")),
            ("[odd", name(None, None, None, false, "[odd")),
            ("[a b c d] e", name(None, None, None, false, "[a b c d] e")),
        ] {
            let VertexName { platform, stage, position, internal, text, .. } =
                VertexName::parse(given);
            assert_eq!((platform, stage, position, internal, text), wanted, "{given}");
        }
    }

    #[test]
    fn the_kind_of_a_vertex_is_parsed_from_its_name() {
        let from = |image: &str| VertexKind::Image { image: image.to_owned(), is_from: true };
        let metadata = |image: &str| VertexKind::Metadata { image: image.to_owned() };
        for (name, kind) in [
            ("[2/5] RUN a", VertexKind::Instruction),
            ("[2/5] RUN echo load metadata for x:1", VertexKind::Instruction),
            ("[linux/amd64 tools 2/5] COPY exporting /", VertexKind::Instruction),
            ("[1/5] FROM a.example/b:1@sha256:x", from("a.example/b:1@sha256:x")),
            ("[1/5] FROM docker.io/a:1 extra", from("docker.io/a:1")),
            ("[internal] load metadata for a.example/b:1", metadata("a.example/b:1")),
            ("[linux/arm64 internal] load metadata for a:1", metadata("a:1")),
            ("[context x] load metadata for a:1", metadata("a:1")),
            ("resolve image config for docker-image://a/b:1", metadata("a/b:1")),
            (
                "docker-image://a/b:1",
                VertexKind::Image { image: "a/b:1".to_owned(), is_from: false },
            ),
            (
                "importing cache manifest from a/b:1",
                VertexKind::CacheImport { from: "a/b:1".to_owned() },
            ),
            ("exporting cache to registry", VertexKind::CacheExport { is_registry: true }),
            ("exporting cache to client directory", VertexKind::CacheExport { is_registry: false }),
            ("exporting to image", VertexKind::Output),
            ("pushing a/b:1 with docker", VertexKind::Output),
            ("copying files linux/arm64", VertexKind::Output),
            ("sending tarball", VertexKind::Output),
            ("[internal] load build context", VertexKind::Other),
            ("[auth] a/b:pull token for c", VertexKind::Other),
            ("merging", VertexKind::Other),
        ] {
            assert_eq!(VertexName::parse(name).kind, kind, "{name}");
        }
    }

    #[test]
    fn the_kind_of_a_transfer_is_parsed_from_its_name() {
        let digest = "sha256:aa".to_owned();
        for (name, kind) in [
            ("sha256:aa", TransferKind::Download),
            ("resolve a.example/b:1", TransferKind::Download),
            ("extracting sha256:aa", TransferKind::Extract),
            ("exporting manifest sha256:aa", TransferKind::Manifest { digest: digest.clone() }),
            ("exporting manifest list sha256:aa", TransferKind::Other),
            ("exporting layers", TransferKind::Other),
            ("pushing layers", TransferKind::PushLayers),
            (
                "pushing manifest for a/b:1@sha256:aa",
                TransferKind::PushManifest { reference: "a/b:1@sha256:aa".to_owned() },
            ),
            ("writing layer sha256:aa", TransferKind::CacheLayer { digest }),
            ("writing config sha256:aa", TransferKind::CachePart),
            ("transferring context:", TransferKind::Other),
        ] {
            let parsed = TransferName::parse(name);
            assert_eq!((parsed.kind, parsed.text.as_str()), (kind, name));
        }
    }
}
