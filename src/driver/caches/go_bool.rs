//! Boolean attributes.

/// Whether a value is true for Go's `strconv.ParseBool`; case is ignored.
pub(crate) fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "t")
}
