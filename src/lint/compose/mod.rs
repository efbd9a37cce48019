//! Lints Compose files for settings that give a container access to the host.
//!
//! The rules read a file as written, service by service, according to [the specification][spec]:
//! maps and lists in both forms, anchors and merges, `${NAME:-default}` with its default and other
//! variables unchanged. The caller reads the files that it loads with `extends` and `include`.
//! Findings can be acknowledged: [`crate::allow`].
//!
//! [spec]: https://github.com/compose-spec/compose-spec/blob/main/spec.md

mod hit;
mod mount;
mod rules;
mod service;
#[cfg(test)]
mod tests;

pub(crate) use hit::Taken;

use super::{Finding, Findings};
use crate::allow::{Allows, Asked};
use crate::error::{Diagnostic, SourceFile};
use crate::yaml::{self, Language};

const LANGUAGE: Language = Language {
    single: "only Compose files with one YAML document are supported",
    least: "a Compose file requires at least `services`",
    tags: &["!reset", "!override"],
};

/// Maximum findings in one file.
const MAX_FINDINGS: usize = 200;

impl Findings {
    /// Lints a Compose file, and returns the files that it loads.
    pub fn of_compose(&mut self, file: &SourceFile) -> Vec<Taken> {
        let document = match yaml::read(file, &LANGUAGE) {
            Ok(document) => document,
            Err(errors) => {
                let looks_made = ["{{", "{%", "<%"].iter().any(|sign| file.text().contains(sign));
                for error in errors.iter() {
                    let diagnostic = match looks_made {
                        true => {
                            error.clone().help("is this a template? lint its rendered file instead")
                        }
                        false => error.clone(),
                    };
                    self.extend(&diagnostic.into());
                }
                return Vec::new();
            }
        };
        let seen = service::look(&document.root);
        for error in document.errors.iter().chain(seen.errors.iter()).take(MAX_FINDINGS) {
            self.extend(&error.clone().into());
        }
        let mut allows = Allows::default();
        allows.read(file, &document.comments, &document.root);
        self.extend(allows.wrong());
        let mut hits = seen.hits.into_iter().filter(|hit| !allows.cover(hit.rule, &hit.span));
        hits.by_ref().take(MAX_FINDINGS).for_each(|hit| self.add(hit.finding(), None));
        if hits.next().is_some() {
            let message = format!("only the first {MAX_FINDINGS} findings are shown");
            let diagnostic = Diagnostic::remark(message).at(&file.span(0..0), "");
            self.add(Finding::new("not-linted", diagnostic), None);
            return seen.taken;
        }
        self.extend(&allows.unused(Asked::default()));
        seen.taken
    }
}
