//! A solve: the request to BuildKit, and its result.

use std::collections::HashMap;

use bollard_buildkit_proto::moby::buildkit::v1 as proto;

/// One build with the Dockerfile frontend.
#[derive(Clone, Default)]
pub struct Solve {
    /// The session that serves files and credentials.
    pub session: String,
    /// Attributes of `dockerfile.v0`: `filename`, `platform`, `build-arg:NAME`, …
    ///
    /// Source: <https://github.com/moby/buildkit/blob/master/frontend/dockerui/config.go>
    pub attributes: HashMap<String, String>,
    /// The exporter of the result; `None` only solves.
    pub exporters: Vec<Exporter>,
    /// The cache to export. Cache imports are attributes of the frontend.
    pub cache_exports: Vec<CacheExport>,
    /// Additional entitlements, such as `network.host`.
    pub entitlements: Vec<String>,
    /// Do not record the build in BuildKit's history.
    pub internal: bool,
}

/// An exporter and its attributes.
///
/// Source: <https://github.com/moby/buildkit#output>
#[derive(Debug, Clone)]
pub struct Exporter {
    pub kind: &'static str,
    pub attributes: HashMap<String, String>,
}

/// A type of cache and its attributes. No `Debug`, because they may contain a token.
///
/// Source: <https://github.com/moby/buildkit#export-cache>
#[derive(Clone)]
pub struct CacheExport {
    pub kind: String,
    pub attributes: HashMap<String, String>,
}

/// The result of a solve.
#[derive(Debug, Clone, Default)]
pub struct Solved {
    /// The digest of the exported image, `sha256:…`; `None` if the exporter does not create a
    /// manifest.
    pub digest: Option<String>,
    /// The digest of its configuration; `None` if there are several platforms.
    pub config: Option<String>,
    /// The descriptor of the exported cache's manifest, in JSON; `None` if there is no cache with a
    /// manifest.
    pub cache_manifest: Option<String>,
}

impl Solve {
    pub(super) fn into_request(self, id: String) -> proto::SolveRequest {
        let exporters = self.exporters.into_iter();
        let cache_exports = self
            .cache_exports
            .into_iter()
            .map(|cache| proto::CacheOptionsEntry { r#type: cache.kind, attrs: cache.attributes });
        proto::SolveRequest {
            r#ref: id,
            session: self.session,
            frontend: "dockerfile.v0".to_owned(),
            frontend_attrs: self.attributes,
            entitlements: self.entitlements,
            internal: self.internal,
            exporters: exporters
                .map(|exporter| proto::Exporter {
                    r#type: exporter.kind.to_owned(),
                    attrs: exporter.attributes,
                })
                .collect(),
            cache: Some(proto::CacheOptions {
                exports: cache_exports.collect(),
                ..proto::CacheOptions::default()
            }),
            ..proto::SolveRequest::default()
        }
    }
}

impl Solved {
    pub(super) fn from_response(response: proto::SolveResponse) -> Self {
        let mut fields = response.exporter_response;
        Self {
            digest: fields.remove("containerimage.digest"),
            config: fields.remove("containerimage.config.digest"),
            cache_manifest: fields.remove("cache.manifest"),
        }
    }
}
