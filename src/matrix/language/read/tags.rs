//! Reads `image`, `tag` and `tags`.

use crate::error::{Diagnostic, Span};
use crate::matrix::language::reader::Reader;
use crate::matrix::model::TagRule;
use crate::template::{Condition, Template};
use crate::yaml::{Entry, Node, NodeKind};

impl Reader<'_> {
    pub(crate) fn inline_list(&mut self, node: &Node, what: &str) -> Vec<Template> {
        let texts = self.texts(node, what);
        if texts.is_empty() && matches!(node.kind, NodeKind::List(_)) {
            let help = "add one, such as `me/app`";
            self.wrong(&node.span, format!("`{what}` requires at least one entry"), help);
        }
        texts.into_iter().filter_map(|(text, span)| self.inline(text, span)).collect()
    }

    pub(crate) fn tags(
        &mut self,
        tag: Option<&Entry>,
        tags: Option<&Entry>,
        start: &Span,
        is_one_image: bool,
    ) -> Vec<TagRule> {
        let entry = match (tag, tags) {
            (Some(entry), None) | (None, Some(entry)) => entry,
            (Some(one), Some(many)) => {
                self.errors.push(
                    Diagnostic::error("`tag` and `tags` cannot be combined")
                        .at(&many.key_span, "")
                        .at(&one.key_span, "")
                        .help("move the value of `tag` into the list of `tags`"),
                );
                return Vec::new();
            }
            (None, None) => {
                let help = match is_one_image {
                    true => "add it, such as `tag: \"1.0\"` or `tag: latest`",
                    false => "add it and use every axis: `tag: <%version%>-<%os%>`",
                };
                self.errors.push(Diagnostic::error("`tag` is missing").at(start, "").help(help));
                return Vec::new();
            }
        };
        let plain = |tag| TagRule { tag, when: None };
        match &entry.value.kind {
            NodeKind::List(items) if entry.key == "tags" => {
                if items.is_empty() {
                    let help = "add one that uses every axis: `<%version%>-<%os%>`";
                    self.wrong(&entry.value.span, "`tags` requires at least one entry", help);
                }
                items.iter().filter_map(|item| self.tag_rule(item)).collect()
            }
            _ => self.template(&entry.value, &entry.key).map(plain).into_iter().collect(),
        }
    }

    /// A string, or `{ tag: …, when: … }`.
    fn tag_rule(&mut self, node: &Node) -> Option<TagRule> {
        let NodeKind::Map(entries) = &node.kind else {
            return self.template(node, "tags").map(|tag| TagRule { tag, when: None });
        };
        let mut tag = None;
        let mut when = None;
        for entry in entries {
            match entry.key.as_str() {
                "tag" => tag = self.template(&entry.value, "tag"),
                "when" => {
                    let (text, span) = self.text(&entry.value, "when")?;
                    when = Condition::inline(text, span.clone())
                        .map_err(|errors| self.errors.extend(errors))
                        .ok();
                }
                _ => self.unknown(entry, &["tag", "when"]),
            }
        }
        if entries.iter().all(|entry| entry.key != "tag") {
            let help = "add it: `{ tag: latest, when: latest }`";
            self.wrong(&node.span, "an entry of `tags` requires a `tag`", help);
        }
        tag.map(|tag| TagRule { tag, when })
    }
}
