//! A solve: what is asked of BuildKit, and what comes back.

use std::collections::HashMap;

use bollard_buildkit_proto::moby::buildkit::v1 as proto;

/// One build by the Dockerfile frontend.
#[derive(Clone, Default)]
pub struct Solve {
    /// The session that serves files and credentials.
    pub session: String,
    /// Attributes of `dockerfile.v0`: `filename`, `platform`, `build-arg:NAME`, …
    ///
    /// Source: <https://github.com/moby/buildkit/blob/master/frontend/dockerui/config.go>
    pub attributes: HashMap<String, String>,
    /// Where the result goes; none only solves.
    pub exporters: Vec<Exporter>,
    /// Where the cache of this build goes; where one is taken from is an attribute of the frontend.
    pub cache_exports: Vec<CacheExport>,
    /// Rights beyond the usual, such as `network.host`.
    pub entitlements: Vec<String>,
    /// Leave the build out of BuildKit's history.
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

/// A kind of cache and its attributes. No `Debug`, for they may hold a token.
///
/// Source: <https://github.com/moby/buildkit#export-cache>
#[derive(Clone)]
pub struct CacheExport {
    pub kind: String,
    pub attributes: HashMap<String, String>,
}

/// What a solve came to.
#[derive(Debug, Clone, Default)]
pub struct Solved {
    /// The digest of what was exported: `sha256:…`; none where the exporter makes no manifest.
    pub digest: Option<String>,
    /// The manifest of the cache that was written last: a descriptor in JSON; none where no cache
    /// with a manifest was written.
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
        let mut told = response.exporter_response;
        Self {
            digest: told.remove("containerimage.digest"),
            cache_manifest: told.remove("cache.manifest"),
        }
    }
}
