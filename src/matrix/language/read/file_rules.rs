//! Reads `files`: files of the repository that are rendered with the values of one cell.

use crate::error::{Diagnostic, SourceFile, Span};
use crate::matrix::language::reader::Reader;
use crate::matrix::model::{FileRule, Given, relative};
use crate::template::{Condition, Template};
use crate::yaml::{Entry, Node, NodeKind};

const KEYS: [&str; 3] = ["template", "from", "when"];

const OTHER_PATH: &str = "write the file to another path";

impl Reader<'_> {
    /// `path: { template: PATH, when: CONDITION }`, or `path: { from: PATH, template: false }`;
    /// `file` is the matrix itself.
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
        let (mut template, mut from, mut when) = (None, None, None);
        for field in fields {
            match field.key.as_str() {
                "template" => {
                    let (text, span) = self.text(&field.value, "template")?;
                    template = Some((text, span));
                }
                "from" => {
                    let (text, span) = self.text(&field.value, "from")?;
                    from = Some((text, span));
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
        let is_copied = template.is_some_and(|(text, _)| text == "false");
        let (name, span) = match (template, from) {
            (Some(_), Some(from)) if is_copied => from,
            (Some((_, span)), None) if is_copied => {
                let help = "add `from: PATH`, the file that is copied unchanged";
                self.wrong(span, "a file without a template needs `from`", help);
                return None;
            }
            (Some(template), None) => template,
            (_, Some((_, span))) => {
                let help = "add `template: false`, or name a template with `template: PATH` alone";
                self.wrong(span, "`from` is for a file that is copied unchanged", help);
                return None;
            }
            (None, None) => {
                if fields.iter().all(|field| KEYS.contains(&field.key.as_str())) {
                    let help = "add it: `{ template: PATH, when: CONDITION }`; \
                                `{ from: PATH, template: false }` copies a file unchanged";
                    self.wrong(&entry.key_span, "a file requires a `template`", help);
                }
                return None;
            }
        };
        if let (true, Some(when)) = (is_copied, &when) {
            let message = "a file that is copied unchanged needs no cell";
            self.wrong(&when.span, message, "remove `when`, or `template: false`");
            return None;
        }
        let (template, template_span) = (self.path(name, span)?, span.clone());
        let (path, span, is_template) = (path?, entry.key_span.clone(), !is_copied);
        Some(FileRule { path, span, template, template_span, is_template, when })
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
