//! Renders a parsed template with the values of a cell.

use super::eval::{Frame, evaluate, truth};
use super::expression::{Expression, ExpressionKind};
use super::rendered::{Rendered, Writer};
use super::source::Source;
use super::value::{Scope, Value};
use super::{Node, Template};
use crate::error::{Diagnostic, Diagnostics, Span, control_character};

/// Looks up an included file by the path in the template.
pub(crate) type Includes<'a> = dyn Fn(&str) -> Option<&'a Template> + 'a;

/// BuildKit rejects Dockerfiles that are much smaller than this.
const MAX_BYTES: usize = 1 << 20;

/// Maximum nodes per rendering; only nested loops reach it.
const MAX_STEPS: usize = 1_000_000;

/// Maximum depth of includes.
const MAX_DEPTH: usize = 16;

impl Template {
    /// Renders it with the values of one cell; reports all errors at once.
    pub fn render<'a>(
        &'a self,
        scope: &'a Scope,
        includes: &'a Includes<'a>,
    ) -> Result<Rendered, Diagnostics> {
        let mut renderer = Renderer::new(includes, self.text().len() + 256);
        renderer.template(self, scope);
        renderer.finish()
    }

    /// Renders a string in another file; its line breaks stay.
    pub fn render_inline(&self, scope: &Scope) -> Result<String, Diagnostics> {
        if let [Node::Text { range, .. }] = self.nodes.as_slice() {
            return Ok(self.source.text()[range.clone()].to_owned());
        }
        let mut renderer = Renderer::new(&|_| None, self.text().len() + 64);
        renderer.template(self, scope);
        renderer.finish_text()
    }

    /// The value of a string in the matrix: a list, if the whole string is one placeholder of a
    /// list.
    pub fn value(&self, scope: &Scope) -> Result<Value, Diagnostics> {
        match self.nodes.as_slice() {
            [Node::Value { expression, .. }] => {
                Ok(evaluate(expression, &Frame::new(scope, &self.source))?)
            }
            _ => Ok(self.render_inline(scope)?.into()),
        }
    }
}

struct Renderer<'a> {
    includes: &'a Includes<'a>,
    writer: Writer,
    errors: Diagnostics,
    /// Paths being included, each with the place that does it.
    chain: Vec<(String, Span)>,
    steps: usize,
}

/// The rendering cannot go on; the reason has been reported.
struct Stop;

impl<'a> Renderer<'a> {
    fn new(includes: &'a Includes<'a>, capacity: usize) -> Self {
        let writer = Writer::with_capacity(capacity);
        Self { includes, writer, errors: Diagnostics::default(), chain: Vec::new(), steps: 0 }
    }

    fn template(&mut self, template: &Template, scope: &Scope) {
        let file = self.writer.file(&template.source);
        let mut frame = Frame::new(scope, &template.source);
        let _stopped = self.nodes(&template.nodes, &mut frame, file);
    }

    fn finish(mut self) -> Result<Rendered, Diagnostics> {
        let rendered = self.writer.finish();
        self.errors.check(rendered)
    }

    fn finish_text(mut self) -> Result<String, Diagnostics> {
        let text = self.writer.into_text();
        self.errors.check(text)
    }

    fn nodes(&mut self, nodes: &[Node], frame: &mut Frame<'_>, file: u32) -> Result<(), Stop> {
        for node in nodes {
            self.step(frame.source)?;
            match node {
                Node::Text { range, line } => {
                    let text = &frame.source.text()[range.clone()];
                    self.fits(text, frame.source)?;
                    self.writer.push_from(text, range.start, file, *line);
                }
                Node::Value { expression, line } => {
                    self.value(expression, frame, file, *line)?;
                }
                Node::If { branches } => self.branch(branches, frame, file)?,
                Node::For { name, list, body } => {
                    for item in self.list(list, frame) {
                        self.step(frame.source)?;
                        frame.locals.push((name.clone(), item));
                        let result = self.nodes(body, frame, file);
                        frame.locals.pop();
                        result?;
                    }
                }
                Node::Include { path, range, line, ends_line } => {
                    let span = frame.source.span(range.clone());
                    self.include(path, span, frame)?;
                    // The control line vanishes with its end: the file brings its own, or gets one.
                    if *ends_line && !self.writer.at_line_start() {
                        self.push("\n", frame.source, file, *line)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, source: &Source) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps <= MAX_STEPS {
            return Ok(());
        }
        let message = "rendering this template takes too many steps";
        self.report(Diagnostic::error(message).at(&source.span(0..0), "nested loops"));
        Err(Stop)
    }

    fn push(&mut self, text: &str, source: &Source, file: u32, line: u32) -> Result<(), Stop> {
        self.fits(text, source)?;
        self.writer.push(text, file, line);
        Ok(())
    }

    fn fits(&mut self, text: &str, source: &Source) -> Result<(), Stop> {
        if self.writer.len() + text.len() > MAX_BYTES {
            let span = source.span(0..0);
            let message = "the rendered file would be larger than 1 MiB";
            let help = "use shorter lists, or fewer loops inside each other";
            self.report(Diagnostic::error(message).at(&span, "").help(help));
            return Err(Stop);
        }
        Ok(())
    }

    fn value(
        &mut self,
        expression: &Expression,
        frame: &Frame<'_>,
        file: u32,
        line: u32,
    ) -> Result<(), Stop> {
        // Most placeholders are names: these are printed without copying the value.
        let computed;
        let value = match &expression.kind {
            ExpressionKind::Path(path) => frame.path(path),
            _ => {
                computed = evaluate(expression, frame);
                computed.as_ref().map_err(Clone::clone)
            }
        };
        let wrong = |message: String| {
            Diagnostic::error(message).at(&frame.source.span(expression.range.clone()), "")
        };
        let name = || &frame.source.text()[expression.range.clone()];
        let shared = match value {
            Ok(Value::Text(text) | Value::Record { text, .. }) => Some(text),
            _ => None,
        };
        match value.map(Value::as_text) {
            Ok(Some(text)) => match control_character(text) {
                None => {
                    self.fits(text, frame.source)?;
                    match shared {
                        Some(shared) => self.writer.push_value(shared, file, line),
                        None => self.writer.push(text, file, line),
                    }
                }
                Some(found) => {
                    let message = format!("the value of `{}` contains {found}", name());
                    let help = "remove it from the value: a value must not add lines to the file; \
                                to write several lines, loop over a list with `#% for`";
                    self.report(wrong(message).help(help));
                }
            },
            Ok(None) => {
                let message = format!("`{}` is a list", name());
                let help = format!("join it, `<%{}|join(\" \")%>`, or use `#% for`", name());
                self.report(wrong(message).help(help));
            }
            Err(diagnostic) => self.report(*diagnostic),
        }
        Ok(())
    }

    fn branch(
        &mut self,
        branches: &[(Option<Expression>, Vec<Node>)],
        frame: &mut Frame<'_>,
        file: u32,
    ) -> Result<(), Stop> {
        for (condition, body) in branches {
            let holds = condition.as_ref().map_or(Ok(true), |condition| truth(condition, frame));
            match holds {
                Ok(true) => return self.nodes(body, frame, file),
                Ok(false) => {}
                Err(diagnostic) => {
                    self.report(*diagnostic);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, list: &Expression, frame: &Frame<'_>) -> Vec<Value> {
        match evaluate(list, frame) {
            Ok(Value::List(items)) => items.to_vec(),
            Ok(_) => {
                let span = frame.source.span(list.range.clone());
                let help = "write a list as `[\"a\", \"b\"]`, or use `split`";
                self.report(Diagnostic::error("this is not a list").at(&span, "").help(help));
                Vec::new()
            }
            Err(diagnostic) => {
                self.report(*diagnostic);
                Vec::new()
            }
        }
    }

    fn include(&mut self, path: &str, span: Span, frame: &Frame<'_>) -> Result<(), Stop> {
        let again = self.chain.iter().any(|(open, _)| open == path);
        if again || self.chain.len() == MAX_DEPTH {
            let message = match again {
                true => format!("`{path}` includes itself"),
                false => format!("includes are nested more than {MAX_DEPTH} deep"),
            };
            let help = "remove this include, or move the shared lines into a third file";
            self.report(Diagnostic::error(message).at(&span, "").help(help));
            return Err(Stop);
        }
        let Some(template) = (self.includes)(path) else {
            self.report(Diagnostic::error(format!("`{path}` was not loaded")).at(&span, ""));
            return Ok(());
        };
        self.chain.push((path.to_owned(), span));
        let file = self.writer.file(&template.source);
        // Loop variables are also defined inside: the text could be here itself.
        let mut inner =
            Frame { scope: frame.scope, source: &template.source, locals: frame.locals.clone() };
        let result = self.nodes(&template.nodes, &mut inner, file);
        self.chain.pop();
        result
    }

    fn report(&mut self, mut diagnostic: Diagnostic) {
        for (_, span) in self.chain.iter().rev() {
            diagnostic = diagnostic.note(format!("included from {span}"));
        }
        self.errors.push(diagnostic);
    }
}
