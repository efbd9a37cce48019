//! Reads Dockerfiles: what their instructions say, and what BuildKit makes of it. Pure.
//!
//! [`Dockerfile::parse`] reads every instruction with its lines, and never fails: what BuildKit would
//! refuse is [`Kind::Other`]. [`Dockerfile::evaluate`] then replaces the variables for one platform,
//! as BuildKit does, and says what each stage takes from elsewhere.
//!
//! ```text
//! text -> Dockerfile (instructions, comments) -> Evaluated (stages, what they use) for one platform
//! ```
//!
//! What depends on a base image, whose variables only BuildKit knows, is unknown, which is not the
//! same as empty.

mod evaluate;
mod instruction;
mod lex;
#[cfg(test)]
mod lex_tests;
mod lines;
mod mount;
mod pattern;
mod predefined;
#[cfg(test)]
mod tests;
mod variables;
mod words;

use std::sync::Arc;

use indexmap::IndexMap;

pub use evaluate::{Evaluated, Given, Mounted, Source, Stage, Text, Use, UsedBy};
pub use instruction::{Command, Copy, From, Instruction, Kind, Run};
pub use lex::{Lex, Quotes, Unexpanded, Unset, Variable};
pub use lines::{Comment, Directive, Heredoc};
pub use mount::Mount;
pub use predefined::{PLATFORM_ARGS, PROXY_ARGS, is_predefined};
pub use variables::{Declaration, Expander, Scope, VariableUse};
pub use words::Flag;

/// A Dockerfile, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The character that joins lines and takes the meaning of the next one.
    pub escape: char,
    pub directives: Vec<Directive>,
    pub instructions: Vec<Instruction>,
    /// Those on lines of their own, within instructions too; here-documents have none.
    pub comments: Vec<Comment>,
}

impl Dockerfile {
    pub fn parse(text: &str) -> Self {
        let lines = lines::read(text);
        let escape = lines.escape;
        let parse = |line| Instruction::parse(line, escape);
        Self {
            escape,
            directives: lines.directives,
            instructions: lines.logical.into_iter().map(parse).collect(),
            comments: lines.comments,
        }
    }

    /// The value of a parser directive, such as `syntax`.
    pub fn directive(&self, name: &str) -> Option<&str> {
        let found = self.directives.iter().find(|directive| directive.name == name);
        found.map(|directive| directive.value.as_str())
    }

    /// Whether another program than BuildKit's own reads it, and may understand it differently:
    /// `# syntax=` or the argument `BUILDKIT_SYNTAX` names one. A copy of BuildKit's own in another
    /// registry is known by its name.
    pub fn is_foreign(&self, args: &IndexMap<Arc<str>, Arc<str>>) -> bool {
        let syntax = args.get("BUILDKIT_SYNTAX").map(|value| &**value);
        let Some(syntax) = syntax.or_else(|| self.directive("syntax")) else { return false };
        let name = syntax.split_whitespace().next().unwrap_or_default();
        let last = name.rsplit('/').next().unwrap_or_default();
        !last.contains("dockerfile")
    }

    /// The comments that speak of the instruction on `line`: those right above it, with nothing
    /// between, and those within it.
    pub fn comments_of(&self, line: u32) -> &[Comment] {
        let of = self.instructions.iter().find(|one| (one.first..=one.last).contains(&line));
        let (mut first, last) = of.map_or((line, line), |one| (one.first, one.last));
        let end = self.comments.partition_point(|comment| comment.line <= last);
        let mut start = self.comments.partition_point(|comment| comment.line < first);
        while start > 0 && self.comments[start - 1].line + 1 == first {
            start -= 1;
            first -= 1;
        }
        &self.comments[start..end]
    }
}
