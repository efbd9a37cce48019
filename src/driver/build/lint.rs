//! BuildKit's own lint of a Dockerfile.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::error::Span;
use crate::image::Reference;
use crate::plan::{BuildRequest, needed_images};

use super::options::SolveOptions;
use super::request::{Offered, solve};
use super::unplaced::bad_pattern;
use crate::driver::build::builder::EngineBuilder;
use crate::driver::sessions::Needs;

/// BuildKit's findings in a Dockerfile, without a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lint {
    pub warnings: Vec<LintWarning>,
    /// Why it cannot be built.
    pub error: Option<LintError>,
}

/// Why a Dockerfile cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintError {
    pub message: String,
    /// The line in the rendered Dockerfile, from 1.
    pub line: Option<u32>,
    /// The place in the ignore file, if it is there.
    pub ignored: Option<Span>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintWarning {
    /// `SecretsUsedInArgOrEnv`
    pub rule: String,
    /// The problem in this line.
    pub message: String,
    /// The description of the rule.
    pub description: String,
    pub url: Option<String>,
    /// The line in the rendered Dockerfile, from 1.
    pub line: Option<u32>,
}

/// Why there are no findings.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum NotLinted {
    /// The Dockerfile frontend in the engine's BuildKit is too old.
    #[error("this BuildKit does not have its own checks")]
    ByEngine,
    /// The frontend that the Dockerfile names is.
    #[error("the frontend that `# syntax=` names does not have BuildKit's own checks")]
    ByFrontend,
    #[error("{0}")]
    Failed(String),
}

/// Source: <https://github.com/moby/buildkit/blob/master/frontend/subrequests/lint/lint.go>
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    warnings: Option<Vec<Warning>>,
    #[serde(default, rename = "buildError")]
    error: Option<BuildError>,
}

#[derive(Deserialize)]
struct Warning {
    #[serde(rename = "ruleName")]
    rule: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    location: Option<Location>,
}

#[derive(Deserialize)]
struct BuildError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Deserialize)]
struct Range {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    #[serde(default)]
    line: u32,
}

impl EngineBuilder {
    /// The registries that BuildKit may contact for the Dockerfile of `request`.
    async fn asked_hosts(&self, request: &BuildRequest) -> Vec<String> {
        let native = self.native();
        let file = request.recipe.instructions();
        let syntax = file.directive("syntax").and_then(|image| image.parse::<Reference>().ok());
        let needed = request
            .recipe
            .platforms
            .iter()
            .flat_map(|platform| needed_images(&request.recipe, &file, platform, native))
            .map(|needed| needed.base.image);
        let hosts = syntax.into_iter().chain(needed);
        let hosts: BTreeSet<String> =
            hosts.map(|image| image.repository.host().to_owned()).collect();
        hosts.into_iter().collect()
    }

    /// BuildKit's findings in the Dockerfile of `request`, or why there are none.
    pub async fn lint(&self, request: &BuildRequest) -> Result<Lint, NotLinted> {
        let redacted = |text: String| self.sessions.redacted(text);
        let mut lint = self.found(request).await.map_err(|why| {
            let is_named = request.recipe.instructions().directive("syntax").is_some();
            match lacks_lint(&why) {
                true if is_named => NotLinted::ByFrontend,
                true => NotLinted::ByEngine,
                false => NotLinted::Failed(redacted(why)),
            }
        })?;
        lint.error = lint.error.map(|error| match bad_pattern(&error.message, &request.recipe) {
            Some((span, why)) => {
                LintError { message: why.to_string(), line: None, ignored: Some(span) }
            }
            None => LintError { message: redacted(error.message), ..error },
        });
        Ok(lint)
    }

    async fn found(&self, request: &BuildRequest) -> Result<Lint, String> {
        let needs = Needs::of(request, self.environment);
        let session = self.sessions.shared(&needs).await.map_err(|error| error.to_string())?;
        let offering = Self::offer(&session, &request.cell, &request.recipe);
        let (filename, contexts) = offering.await.map_err(|failure| failure.message)?;
        let offered = Offered {
            session: &session.id,
            filename: &filename,
            contexts,
            cache_from: &[],
            cache_to: &[],
            gateway: None,
        };
        let options = SolveOptions::of(request);
        let attributes = solve(&request.recipe, &options, &offered, self.environment).attributes;
        let hosts = self.asked_hosts(request).await;
        if let Some(host) = hosts.iter().find(|host| self.images.is_silent(host)) {
            return Err(format!("{host} did not answer BuildKit"));
        }
        let asking = self.client.ask(&session.id, "frontend.lint", attributes);
        let limit = self.limit.timeout;
        let answers = tokio::time::timeout(limit, asking).await.map_err(|_| {
            // Other cells that need it would wait as long.
            if let [host] = &hosts[..] {
                self.images.fell_silent(host);
            }
            late(limit, &hosts)
        })?;
        let answers = answers.map_err(|error| error.message)?;
        let json = answers.get("result.json").ok_or(UNSUPPORTED)?;
        read(json).map_err(|error| format!("BuildKit's lint result cannot be read: {error}"))
    }
}

/// How a frontend refuses a subrequest that it does not know.
const UNSUPPORTED: &str = "unsupported request frontend.lint";

/// Whether BuildKit's frontend is older than its checks.
fn lacks_lint(why: &str) -> bool {
    why.contains(UNSUPPORTED)
}

/// BuildKit did not answer. It may wait for registries, for base images and the frontend.
fn late(limit: Duration, hosts: &[String]) -> String {
    let seconds = limit.as_secs();
    match hosts {
        [] => format!("it did not answer for {seconds} s"),
        hosts => {
            format!("it did not answer for {seconds} s; it may wait for {}", hosts.join(" or "))
        }
    }
}

fn read(json: &[u8]) -> Result<Lint, serde_json::Error> {
    let answer: Answer = serde_json::from_slice(json)?;
    let line = |location: Option<Location>| {
        location?.ranges.first().map(|range| range.start.line).filter(|line| *line > 0)
    };
    let warnings = answer.warnings.unwrap_or_default().into_iter().map(|warning| LintWarning {
        rule: warning.rule,
        message: if warning.detail.is_empty() {
            warning.description.clone()
        } else {
            warning.detail
        },
        description: warning.description,
        url: Some(warning.url).filter(|url| url.starts_with("https://")),
        line: line(warning.location),
    });
    Ok(Lint {
        warnings: warnings.collect(),
        error: answer.error.map(|error| LintError {
            message: error.message,
            line: line(error.location),
            ignored: None,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_missing_fields_is_read() {
        let json = br#"{"warnings":[{"ruleName":"StageNameCasing","description":"d",
            "url":"https://x.example/","detail":"Stage name 'A' should be lowercase",
            "location":{"ranges":[{"start":{"line":3,"character":0},"end":{"line":3}}]}},
            {"ruleName":"Odd","description":"d","url":"javascript:x"}],
            "sources":[{"filename":"Dockerfile"}],
            "buildError":{"message":"no such instruction","location":{"ranges":[]}}}"#;
        let warning = |rule: &str, message: &str, url: Option<&str>, line| LintWarning {
            rule: rule.to_owned(),
            message: message.to_owned(),
            description: "d".to_owned(),
            url: url.map(str::to_owned),
            line,
        };
        assert_eq!(
            read(json).unwrap(),
            Lint {
                warnings: vec![
                    warning(
                        "StageNameCasing",
                        "Stage name 'A' should be lowercase",
                        Some("https://x.example/"),
                        Some(3)
                    ),
                    warning("Odd", "d", None, None),
                ],
                error: Some(LintError {
                    message: "no such instruction".to_owned(),
                    line: None,
                    ignored: None,
                }),
            }
        );
        assert_eq!(read(br#"{"warnings":null}"#).unwrap(), Lint::default());
    }
}
