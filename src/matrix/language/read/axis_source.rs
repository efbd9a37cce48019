//! Reads axes with a source: `from` and the keys beside it.

use std::sync::Arc;

use crate::error::Span;
use crate::loopback::is_loopback;
use crate::matrix::language::reader::Reader;
use crate::matrix::model::{
    AxisSource, AxisValue, JsonPath, Pattern, SourceValue, TokenVariable, always_true,
    unknown_order,
};
use crate::template::Value;
use crate::yaml::{Entry, Node, NodeKind};

impl Reader<'_> {
    /// The values of an axis with a source, if they are loaded.
    pub(crate) fn axis_source(&mut self, axis: &Entry, entries: &[Entry]) -> Vec<AxisValue> {
        const KEYS: [&str; 7] = ["from", "path", "pattern", "only", "skip", "limit", "token"];
        let mut axis_source = AxisSource {
            axis: axis.key.as_str().into(),
            from: String::new(),
            span: axis.value.span.clone(),
            path: None,
            path_span: axis.value.span.clone(),
            around: None,
            only: Vec::new(),
            skip: Vec::new(),
            limit: None,
            token: None,
        };
        let errors = self.errors.len();
        for entry in entries {
            let what = format!("axes.{}.{}", axis.key, entry.key);
            match entry.key.as_str() {
                "only" => axis_source.only = self.patterns(&entry.value, &what),
                "skip" => axis_source.skip = self.patterns(&entry.value, &what),
                "token" => axis_source.token = self.token(&entry.value, &what),
                key if KEYS.contains(&key) => {
                    let Some((text, span)) = self.text(&entry.value, &what) else { continue };
                    self.axis_source_key(&mut axis_source, key, text, span);
                }
                _ => self.unknown(entry, &KEYS),
            }
        }
        if let Some(token) = &axis_source.token
            && !axis_source.from.is_empty()
            && !is_safe(&axis_source.from)
        {
            let message = "a token is only sent to an https URL or to localhost";
            let help = match axis_source.from.contains("://") {
                true => "use an https URL, or remove `token`",
                false => "a file needs no token: remove `token`",
            };
            self.wrong(&token.span, message, help);
        }
        if self.errors.len() > errors {
            return Vec::new();
        }
        let values = self.resolved.and_then(|resolved| resolved.get(&axis_source.axis));
        if let (None, Some(_)) = (values, self.resolved) {
            let message = format!("the values of `{}` were not loaded", axis_source.axis);
            self.error(&axis_source.span, message);
        }
        if let Some((one, other)) = values.and_then(|taken| taken.unordered.as_ref()) {
            self.warnings.push(unknown_order(&axis_source.span, one, other));
        }
        let value = |found: &SourceValue| {
            let text: Arc<str> = found.text.as_str().into();
            let value = Value::Text(text.clone());
            let span = axis_source.span.clone();
            AxisValue { text, value, span, included: false, is_marked: found.is_prerelease }
        };
        let values = values.into_iter().flat_map(|taken| &taken.values).map(value).collect();
        self.axis_sources.push(axis_source);
        values
    }

    fn axis_source_key(
        &mut self,
        axis_source: &mut AxisSource,
        key: &str,
        text: &str,
        span: &Span,
    ) {
        match key {
            "from" => {
                axis_source.span = span.clone();
                match source(text) {
                    Ok(()) => axis_source.from = text.to_owned(),
                    Err(why) => self.error(span, why),
                }
            }
            "path" => {
                axis_source.path_span = span.clone();
                axis_source.path = JsonPath::parse(text);
                if axis_source.path.is_none() {
                    let help = "write a path such as `.[].tag_name` or `.releases[0].version`";
                    self.wrong(span, format!("`{text}` is not a path into JSON"), help);
                }
            }
            "pattern" => match text.split_once("<version>") {
                Some((before, after)) if !after.contains("<version>") => {
                    axis_source.around = Some((before.to_owned(), after.to_owned()));
                }
                _ => {
                    let message = "a pattern must contain `<version>` exactly once";
                    self.wrong(span, message, "write a pattern such as `v<version>`");
                }
            },
            _ => match text.parse::<usize>() {
                Ok(limit) if limit > 0 => axis_source.limit = Some(limit),
                _ => {
                    let help = "write for example `limit: 10` for the ten newest";
                    self.wrong(span, "`limit` must be a number greater than zero", help);
                }
            },
        }
    }

    /// `{ env: NAME }`: the token itself must not be in a file.
    fn token(&mut self, node: &Node, what: &str) -> Option<TokenVariable> {
        let NodeKind::Map(entries) = &node.kind else {
            self.unfit(&node.span, what, "`{ env: NAME }`", &node.kind);
            return None;
        };
        let mut found = None;
        for entry in entries {
            if entry.key != "env" {
                self.unknown(entry, &["env"]);
                continue;
            }
            let (name, span) = self.text(&entry.value, &format!("{what}.env"))?;
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = "this is not a valid name of an environment variable";
                self.wrong(span, message, "write a name such as `GITHUB_TOKEN`");
                continue;
            }
            found = Some(TokenVariable { name: name.to_owned(), span: span.clone() });
        }
        if entries.is_empty() {
            let message = "a token requires `env`, the environment variable that contains it";
            self.wrong(&node.span, message, "write `token: { env: NAME }`");
        }
        found
    }

    fn patterns(&mut self, node: &Node, what: &str) -> Vec<Pattern> {
        let mut found = Vec::new();
        for (text, span) in self.texts(node, what) {
            match Pattern::parse(text) {
                Ok(pattern) => found.push(pattern),
                Err(wrong) => self.errors.push(wrong.at(span, "")),
            }
        }
        if let Some(finding) = always_true(&found, &node.span) {
            self.warnings.push(finding);
        }
        found
    }
}

/// Rejects sources that cannot be fetched, and passwords in URLs.
fn source(from: &str) -> Result<(), &'static str> {
    if from.is_empty() || from.chars().any(char::is_control) {
        return Err("`from` must be a URL or a file");
    }
    match from.split_once("://") {
        Some(("http" | "https", rest)) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            match host {
                "" => Err("this URL has no host"),
                host if host.contains('@') => Err("do not put a password into this file"),
                _ => Ok(()),
            }
        }
        Some(_) => Err("`from` must be an http or https URL, or a file"),
        None => Ok(()),
    }
}

/// Whether requests to it cannot be read by others on the network.
fn is_safe(from: &str) -> bool {
    let Some(rest) = from.strip_prefix("http://") else { return from.starts_with("https://") };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    is_loopback(host)
}
