//! Compose files: what in them gives a container the host.
//!
//! The rules look at what is written, service by service, as [the specification][spec] has it: maps
//! and lists in both of their forms, anchors and merges, `${NAME:-default}` by its default and every
//! other variable as text. What a file takes in (`extends`, `include`) is for the caller to read.
//! What has to stay is acknowledged where it stands, with its reason: [`crate::allow`].
//!
//! [spec]: https://github.com/compose-spec/compose-spec/blob/main/spec.md

mod mount;
mod rules;
mod service;
#[cfg(test)]
mod tests;

use super::{Finding, Findings};
use crate::allow::{Allows, Asked};
use crate::dockerfile::{Lex, Quotes, Unset, Variable};
use crate::error::{Diagnostic, SourceFile, Span};
use crate::yaml::{self, Language};

const LANGUAGE: Language = Language {
    single: "Compose files of one YAML document are looked at",
    least: "a Compose file has at least `services`",
    tags: &["!reset", "!override"],
};

/// Findings of a kind in one file; beyond this they say nothing new.
const ENOUGH: usize = 200;

/// A file that a Compose file takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Counted from the folder of the file that names it; also a URL, or text with a variable.
    pub path: String,
    pub span: Span,
}

/// Something that gives a container the host.
struct Hit {
    rule: &'static str,
    /// What it allows.
    message: String,
    span: Span,
    note: Option<&'static str>,
}

impl Findings {
    /// Looks at a Compose file, and says which files it takes in.
    pub fn of_compose(&mut self, file: &SourceFile) -> Vec<Taken> {
        let document = match yaml::read(file, &LANGUAGE) {
            Ok(document) => document,
            Err(errors) => {
                let looks_made = ["{{", "{%", "<%"].iter().any(|sign| file.text().contains(sign));
                for error in errors.iter() {
                    let told = match looks_made {
                        true => error.clone().help("a template? lint the file that is made of it"),
                        false => error.clone(),
                    };
                    self.told(&told.into());
                }
                return Vec::new();
            }
        };
        let seen = service::look(&document.root);
        for error in document.errors.iter().chain(seen.errors.iter()).take(ENOUGH) {
            self.told(&error.clone().into());
        }
        let mut allows = Allows::default();
        allows.read(file, &document.comments, &document.root);
        self.told(allows.wrong());
        let mut hits = seen.hits.into_iter().filter(|hit| !allows.cover(hit.rule, &hit.span));
        hits.by_ref().take(ENOUGH).for_each(|hit| self.add(hit.finding(), None));
        if hits.next().is_some() {
            let message = format!("there is more than these {ENOUGH}, which is left out");
            let told = Diagnostic::remark(message).at(&file.span(0..0), "");
            self.add(Finding::new("not-linted", told), None);
            return seen.taken;
        }
        self.told(&allows.unused(Asked::default()));
        seen.taken
    }
}

impl Hit {
    fn finding(self) -> Finding {
        let help = format!(
            "take it out, or say why it stays, in a comment on this line: \
             `# onebuild: allow {} (reason)`",
            self.rule
        );
        let told = Diagnostic::warning(self.message).at(&self.span, "").help(help);
        Finding::new(self.rule, self.note.into_iter().fold(told, Diagnostic::note))
    }
}

/// A text with the defaults of its variables in their place, as far as it has only such.
fn with_defaults(text: &str) -> String {
    const LEX: Lex =
        Lex { escape: None, quotes: Quotes::Ignore, keep_escapes: false, unset: Unset::Unknown };
    LEX.expand(text, &|_| Variable::Unset).unwrap_or_else(|_| text.to_owned())
}
