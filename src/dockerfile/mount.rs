//! Parses `RUN --mount=…`.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/#run---mount>

use super::words;

/// A mount as written, with variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount {
    /// `bind` by default; can contain a variable.
    pub kind: Option<String>,
    /// A stage by name, a named context, or an image; never a number or a variable.
    pub from: Option<String>,
    pub id: Option<String>,
    pub source: Option<String>,
    pub target: Option<String>,
    pub sharing: Option<String>,
    /// The environment variable that gets the secret.
    pub env: Option<String>,
    /// Whether the step fails without the secret or the agent.
    pub required: Option<String>,
    /// Its `readonly` or `readwrite` option, if given.
    pub read_only: Option<String>,
    /// `size`, `mode`, `uid` and `gid`, and unknown options.
    pub others: Vec<(String, String)>,
}

impl Mount {
    pub(super) fn parse(text: &str) -> Self {
        let mut mount = Self::default();
        for field in words::fields(text) {
            let (key, value) = field.split_once('=').unwrap_or((&field, "true"));
            let key = key.to_ascii_lowercase();
            let value = value.to_owned();
            let place = match key.as_str() {
                "type" => &mut mount.kind,
                "from" => &mut mount.from,
                "id" => &mut mount.id,
                "source" | "src" => &mut mount.source,
                "target" | "dst" | "destination" => &mut mount.target,
                "sharing" => &mut mount.sharing,
                "env" => &mut mount.env,
                "required" => &mut mount.required,
                "readonly" | "ro" => &mut mount.read_only,
                "readwrite" | "rw" => {
                    let read_only = if is_true(&value) { "false" } else { "true" };
                    mount.read_only = Some(read_only.to_owned());
                    continue;
                }
                _ => {
                    mount.others.push((key, value));
                    continue;
                }
            };
            *place = Some(value);
        }
        mount.from = mount.from.filter(|from| !from.is_empty());
        mount
    }

    /// Its strings that can contain variables.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let own = [
            &self.kind,
            &self.id,
            &self.source,
            &self.target,
            &self.sharing,
            &self.env,
            &self.required,
            &self.read_only,
        ];
        let others = self.others.iter().map(|(_, value)| value.as_str());
        own.into_iter().flatten().map(String::as_str).chain(others)
    }
}

/// The spellings of `true` that BuildKit accepts.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}
