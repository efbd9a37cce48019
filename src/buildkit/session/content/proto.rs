//! The messages of containerd's content service that BuildKit uses, less what nobody reads: times
//! and labels.
//!
//! Source: <https://github.com/containerd/containerd/blob/main/api/services/content/v1/content.proto>

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::buildkit) struct Info {
    #[prost(string, tag = "1")]
    pub(in crate::buildkit) digest: String,
    /// Bytes.
    #[prost(int64, tag = "2")]
    pub(in crate::buildkit) size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::buildkit) struct InfoRequest {
    #[prost(string, tag = "1")]
    pub(in crate::buildkit) digest: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::buildkit) struct InfoResponse {
    #[prost(message, optional, tag = "1")]
    pub(in crate::buildkit) info: Option<Info>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::buildkit) struct ReadRequest {
    #[prost(string, tag = "1")]
    pub(in crate::buildkit) digest: String,
    /// From the start; below zero is zero.
    #[prost(int64, tag = "2")]
    pub(in crate::buildkit) offset: i64,
    /// At most; zero is all that there is.
    #[prost(int64, tag = "3")]
    pub(in crate::buildkit) size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::buildkit) struct ReadResponse {
    #[prost(int64, tag = "1")]
    pub(in crate::buildkit) offset: i64,
    #[prost(bytes = "vec", tag = "2")]
    pub(in crate::buildkit) data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Action {
    /// Tells how far the write is.
    Stat = 0,
    Write = 1,
    /// Writes what comes with it, and ends.
    Commit = 2,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WriteRequest {
    #[prost(enumeration = "Action", tag = "1")]
    pub(super) action: i32,
    /// Names the write; in the first message at least.
    #[prost(string, tag = "2")]
    pub(super) r#ref: String,
    /// The size of the whole; zero where it is not known yet.
    #[prost(int64, tag = "3")]
    pub(super) total: i64,
    /// The digest of the whole; empty where it is not known yet.
    #[prost(string, tag = "4")]
    pub(super) expected: String,
    #[prost(int64, tag = "5")]
    pub(super) offset: i64,
    #[prost(bytes = "vec", tag = "6")]
    pub(super) data: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WriteResponse {
    #[prost(enumeration = "Action", tag = "1")]
    pub(super) action: i32,
    #[prost(int64, tag = "4")]
    pub(super) offset: i64,
    #[prost(int64, tag = "5")]
    pub(super) total: i64,
    #[prost(string, tag = "6")]
    pub(super) digest: String,
}
