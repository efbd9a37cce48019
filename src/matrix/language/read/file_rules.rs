//! Reads `files`: files of the repository that are rendered with the values of one cell.

use crate::error::{Diagnostic, SourceFile, Span};
use crate::matrix::language::reader::Reader;
use crate::matrix::model::{FileRule, Given, relative};
use crate::template::{Condition, Template};
use crate::yaml::{Entry, Node, NodeKind};

const KEYS: [&str; 2] = ["template", "when"];

const OTHER_PATH: &str = "write the file to another path";

impl Reader<'_> {
    /// `path: { template: PATH, when: CONDITION }`; `file` is the matrix itself.
    pub(crate) fn file_rules(&mut self, node: &Node, file: &SourceFile) -> Vec<FileRule> {
        let mut found: Vec<FileRule> = Vec::new();
        for entry in self.map(node, "files") {
            let Some(rule) = self.file_rule(entry) else { continue };
            let name = file.name().rsplit('/').next().unwrap_or_default();
            if rule.path == name {
                self.wrong(&rule.span, "this would overwrite the matrix itself", OTHER_PATH);
            } else if let Some(first) = found.iter().find(|one| one.path == rule.path) {
                self.errors.push(
                    Diagnostic::error(format!("`{}` is given twice", rule.path))
                        .at(&rule.span, "again")
                        .at(&first.span, "first"),
                );
            }
            found.push(rule);
        }
        for one in &found {
            if let Some(other) = found.iter().find(|other| other.template == one.path) {
                self.errors.push(
                    Diagnostic::error("this would overwrite a template")
                        .at(&one.span, "")
                        .at(&other.template_span, "the template")
                        .help(OTHER_PATH),
                );
            }
        }
        found
    }

    fn file_rule(&mut self, entry: &Entry) -> Option<FileRule> {
        let path = self.path(&entry.key, &entry.key_span).filter(|path| {
            let in_git = path.split('/').any(|part| part.eq_ignore_ascii_case(".git"));
            if in_git {
                let message = "onebuild does not write into a `.git` directory";
                self.wrong(&entry.key_span, message, OTHER_PATH);
            }
            !in_git
        });
        let NodeKind::Map(fields) = &entry.value.kind else {
            let wanted = "`{ template: PATH, when: CONDITION }`";
            self.unfit(&entry.value.span, &entry.key, wanted, &entry.value.kind);
            return None;
        };
        let (mut template, mut when) = (None, None);
        for field in fields {
            match field.key.as_str() {
                "template" => {
                    let (text, span) = self.text(&field.value, "template")?;
                    template = Some((self.path(text, span)?, span.clone()));
                }
                "when" => {
                    let (text, span) = self.text(&field.value, "when")?;
                    let condition = Condition::inline(text, span.clone());
                    let value = condition.map_err(|errors| self.errors.extend(errors)).ok()?;
                    when = Some(Given { value, span: span.clone() });
                }
                _ => self.unknown(field, &KEYS),
            }
        }
        let Some((template, template_span)) = template else {
            if fields.iter().all(|field| KEYS.contains(&field.key.as_str())) {
                let help = "add it: `{ template: PATH, when: CONDITION }`";
                self.wrong(&entry.key_span, "a file requires a `template`", help);
            }
            return None;
        };
        Some(FileRule { path: path?, span: entry.key_span.clone(), template, template_span, when })
    }

    fn path(&mut self, text: &str, span: &Span) -> Option<String> {
        let is_literal = Template::inline(text, span.clone()).is_ok_and(|text| text.is_literal());
        let why = match relative(text) {
            Ok(path) if is_literal => return Some(path),
            Ok(_) => "the paths of `files` cannot contain placeholders".to_owned(),
            Err(why) => why,
        };
        let help = "the paths of `files` are relative to the directory of matrix.yaml and must stay inside it";
        self.errors.push(Diagnostic::error(why).at(span, "").help(help));
        None
    }
}
