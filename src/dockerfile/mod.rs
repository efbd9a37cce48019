//! A parser and evaluator of Dockerfiles that follows BuildKit. Pure.
//!
//! [`Dockerfile::parse`] reads every instruction with its lines, and never fails: instructions that
//! BuildKit would reject are [`InstructionKind::Other`]. [`Dockerfile::evaluate`] then expands the variables
//! for one platform, as BuildKit does, and finds the stages, contexts and images that each stage
//! uses.
//!
//! ```text
//! text -> Dockerfile (instructions, comments) -> Evaluated (stages, references) for one platform
//! ```
//!
//! A value that depends on the variables of a base image is unknown, because only BuildKit can read
//! them. Unknown is not the same as empty.

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
mod unexpanded;
mod variables;
mod words;

use std::sync::Arc;

use indexmap::IndexMap;

pub(crate) use evaluate::{Evaluated, Mounted, Stage, Text, Use, UsedBy};
pub use evaluate::{Given, Source};
pub(crate) use instruction::{From, Instruction, InstructionKind, RunInstruction};
pub(crate) use lex::{Lex, Quotes, Unset, Variable};
pub(crate) use lines::{Comment, Directive};
pub(crate) use predefined::{PLATFORM_ARGS, is_predefined};
pub(crate) use unexpanded::Unexpanded;
pub(crate) use variables::{Declaration, Expander, VariableScope, VariableUse};

/// A parsed Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The character that joins lines and escapes the next character.
    pub escape: char,
    pub directives: Vec<Directive>,
    pub instructions: Vec<Instruction>,
    /// Comments on lines of their own, including those inside instructions; here-documents have
    /// none.
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

    /// Whether another frontend than BuildKit's own reads it and may interpret it differently: `#
    /// syntax=` or the argument `BUILDKIT_SYNTAX` sets one. Copies of BuildKit's own in other
    /// registries are recognised by name.
    pub fn is_foreign(&self, args: &IndexMap<Arc<str>, Arc<str>>) -> bool {
        let syntax = args.get("BUILDKIT_SYNTAX").map(|value| &**value);
        let Some(syntax) = syntax.or_else(|| self.directive("syntax")) else { return false };
        let name = syntax.split_whitespace().next().unwrap_or_default();
        let last = name.rsplit('/').next().unwrap_or_default();
        !last.contains("dockerfile")
    }

    /// Whether it has a `FROM`.
    pub fn has_stages(&self) -> bool {
        self.instructions.iter().any(|one| matches!(one.kind, InstructionKind::From(_)))
    }

    /// The instruction of the step before the last `after` steps of a stage. BuildKit counts the steps of a
    /// stage, and names a stage without a name `stage-N`, if there are several.
    pub(crate) fn line_of_step(&self, stage: Option<&str>, after: u32) -> Option<&Instruction> {
        let is_from = |one: &&Instruction| matches!(one.kind, InstructionKind::From(_));
        let count = self.instructions.iter().filter(is_from).count();
        let mut stages = self.instructions.split(|one| is_from(&one));
        // Before the first stage.
        stages.next();
        let names = self.instructions.iter().filter(is_from).enumerate().map(|(number, from)| {
            let InstructionKind::From(From { name, .. }) = &from.kind else { return None };
            let unnamed = (count > 1).then(|| format!("stage-{number}"));
            name.clone().or(unnamed)
        });
        let (_, steps) = names.zip(stages).find(|(name, _)| name.as_deref() == stage)?;
        let counted = |one: &&Instruction| {
            use InstructionKind::{Copy, Run, Workdir};
            matches!(one.kind, Run(_) | Copy(_) | Workdir(_))
        };
        steps.iter().rev().filter(counted).nth(usize::try_from(after).ok()?)
    }

    /// The comments about the instruction on `line`: those directly above it, and those inside it.
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
