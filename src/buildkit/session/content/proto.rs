//! The messages of containerd's content service that BuildKit uses, without unused fields such as
//! times and labels.
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
    /// Offset from the start; negative values count as zero.
    #[prost(int64, tag = "2")]
    pub(in crate::buildkit) offset: i64,
    /// Maximum length; zero means everything.
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
    /// Returns the progress of the write.
    Stat = 0,
    Write = 1,
    /// Writes the data in the message and commits.
    Commit = 2,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WriteRequest {
    #[prost(enumeration = "Action", tag = "1")]
    pub(super) action: i32,
    /// The name of the write; required in the first message.
    #[prost(string, tag = "2")]
    pub(super) r#ref: String,
    /// The total size; zero if it is not known yet.
    #[prost(int64, tag = "3")]
    pub(super) total: i64,
    /// The digest of the whole content; empty if it is not known yet.
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
