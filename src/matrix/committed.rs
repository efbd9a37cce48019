//! Files that are rendered with the values of one cell and committed, such as docker-compose.yml.

use super::Cell;
use super::make::relative;
use super::reader::Reader;
use super::settings::Given;
use crate::error::{Diagnostic, Diagnostics, SourceFile, Span, listed};
use crate::template::{Condition, NameUse, Template};
use crate::yaml::{Entry, Kind, Node};

const KEYS: [&str; 2] = ["template", "when"];

/// A file beside the matrix that names one of its images.
#[derive(Debug, Clone)]
pub struct CommittedFile {
    /// Counted from the folder of matrix.yaml, and inside it.
    pub path: String,
    pub span: Span,
    /// Counted from there, too.
    pub template: String,
    pub template_span: Span,
    when: Option<Given<Condition>>,
}

impl CommittedFile {
    /// The one cell that it is rendered with, `cells` being all of the matrix.
    pub fn cell<'c>(&self, cells: &'c [Cell]) -> Result<&'c Cell, Diagnostics> {
        let mut matching = Vec::new();
        for cell in cells {
            match &self.when {
                Some(when) if !when.value.holds(&cell.scope)? => {}
                _ => matching.push(cell),
            }
        }
        if let [only] = matching.as_slice() {
            return Ok(only);
        }
        let span = self.when.as_ref().map_or(&self.span, |when| &when.span);
        let count = matching.len();
        let finding = match count {
            0 => Diagnostic::error("no cell is meant by this, and a file takes the values of one")
                .help(format!("`onebuild plan` lists the {} cells", cells.len())),
            _ => Diagnostic::error(format!("{count} cells are meant, and a file takes one"))
                .note(format!("they are {}", listed(matching.iter().map(|cell| &*cell.name))))
                .help(match self.when {
                    Some(_) => "say more in `when`",
                    None => "say which one: `when: latest and os == \"ubuntu\"`",
                }),
        };
        Err(finding.at(span, "").into())
    }

    /// The names that its condition uses.
    pub(super) fn names(&self) -> Vec<NameUse> {
        self.when.as_ref().map(|when| when.value.names()).unwrap_or_default()
    }
}

impl Reader<'_> {
    /// `path: { template: PATH, when: CONDITION }`; `file` is the matrix itself.
    pub(super) fn committed(&mut self, node: &Node, file: &SourceFile) -> Vec<CommittedFile> {
        let mut found: Vec<CommittedFile> = Vec::new();
        for entry in self.map(node, "files") {
            let Some(committed) = self.committed_file(entry) else { continue };
            let name = file.name().rsplit('/').next().unwrap_or_default();
            if committed.path == name {
                self.error(&committed.span, "this would be written over the matrix itself");
            } else if let Some(first) = found.iter().find(|one| one.path == committed.path) {
                self.errors.push(
                    Diagnostic::error(format!("`{}` is given twice", committed.path))
                        .at(&committed.span, "again")
                        .at(&first.span, "first"),
                );
            }
            found.push(committed);
        }
        for one in &found {
            if let Some(other) = found.iter().find(|other| other.template == one.path) {
                self.errors.push(
                    Diagnostic::error("this would be written over a template")
                        .at(&one.span, "")
                        .at(&other.template_span, "the template"),
                );
            }
        }
        found
    }

    fn committed_file(&mut self, entry: &Entry) -> Option<CommittedFile> {
        let path = self.path(&entry.key, &entry.key_span).filter(|path| {
            let in_git = path.split('/').any(|part| part.eq_ignore_ascii_case(".git"));
            if in_git {
                let message = "nothing is written into a `.git` directory";
                self.error(&entry.key_span, message);
            }
            !in_git
        });
        let Kind::Map(fields) = &entry.value.kind else {
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
                self.error(&entry.key_span, "a file needs a `template`");
            }
            return None;
        };
        Some(CommittedFile {
            path: path?,
            span: entry.key_span.clone(),
            template,
            template_span,
            when,
        })
    }

    fn path(&mut self, text: &str, span: &Span) -> Option<String> {
        let is_literal = Template::inline(text, span.clone()).is_ok_and(|text| text.is_literal());
        let why = match relative(text) {
            Ok(path) if is_literal => return Some(path),
            Ok(_) => "placeholders mean nothing in the paths of `files`",
            Err(why) => why,
        };
        let help =
            "the paths of `files` are counted from the folder of matrix.yaml and stay inside it";
        self.errors.push(Diagnostic::error(why).at(span, "").help(help));
        None
    }
}
