//! Booleans of flags and attributes.

/// A boolean as Go reads it, and so docker, buildx and BuildKit: <https://pkg.go.dev/strconv#ParseBool>.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
