//! The names that the Dockerfile frontend gives its vertices.

/// A vertex name taken apart: `[linux/arm64 stage-1 2/5] RUN apk add curl`.
///
/// BuildKit writes the head as free text; what does not fit is all name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VertexName {
    /// `linux/arm64`, where the solve has several platforms.
    pub platform: Option<String>,
    /// The stage's name; the frontend's own `stage-N` for one that has none.
    pub stage: Option<String>,
    /// (number, out of), from 1.
    pub position: Option<(u32, u32)>,
    /// BuildKit's own work, such as loading the build definition.
    pub internal: bool,
    /// What is done: `RUN apk add curl`.
    pub text: String,
}

impl VertexName {
    /// Takes a vertex name apart.
    pub fn parse(name: &str) -> Self {
        let plain = || Self { text: name.to_owned(), ..Self::default() };
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
    fn every_form_of_name_is_taken_apart() {
        let name = |platform: Option<&str>, stage: Option<&str>, position, internal, text: &str| {
            VertexName {
                platform: platform.map(str::to_owned),
                stage: stage.map(str::to_owned),
                position,
                internal,
                text: text.to_owned(),
            }
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
            assert_eq!(VertexName::parse(given), wanted, "{given}");
        }
    }
}
