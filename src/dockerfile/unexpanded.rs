//! Words that cannot be expanded.

/// Why a word cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexpanded {
    /// It depends on values that only BuildKit knows.
    Unknown,
    /// BuildKit rejects it, for this reason.
    Invalid(String),
}
