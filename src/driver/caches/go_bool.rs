//! Attributes that are true or false.

/// Whether a value is true, as Go's `strconv.ParseBool` reads it, in any case of letters.
pub(crate) fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "t")
}
