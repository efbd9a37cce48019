//! Declarations and uses of variables.

use std::cell::RefCell;

use super::Dockerfile;
use super::instruction::{CommandForm, Instruction, InstructionKind};
use super::lex::{Lex, Quotes, Variable};
use super::lines::Heredoc;

/// The scope of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariableScope {
    /// Before the first `FROM`, and in every `FROM`.
    Global,
    /// In the stage with this index.
    Stage(usize),
    /// In an `ONBUILD` of the stage with this index: it becomes a part of other stages.
    Trigger(usize),
}

/// A name that `ARG` or `ENV` declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    pub name: String,
    /// As written; `None` for `ARG NAME`.
    pub value: Option<String>,
    /// `ENV` instead of `ARG`.
    pub is_env: bool,
    pub scope: VariableScope,
    /// The first line of the instruction, from 1.
    pub line: u32,
}

/// The program that expands a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expander {
    /// BuildKit itself.
    Builder,
    /// The program that a step runs, usually a shell. It may set the variable itself, and the text
    /// may not be a variable at all: this is a guess.
    Step,
}

/// A variable that an instruction uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableUse {
    pub name: String,
    pub by: Expander,
    pub scope: VariableScope,
    /// The first line of the instruction, from 1.
    pub line: u32,
}

impl Dockerfile {
    /// The names that `ARG` and `ENV` declare, in file order.
    pub fn declarations(&self) -> Vec<Declaration> {
        let mut found = Vec::new();
        for (scope, instruction) in self.scoped() {
            let line = instruction.first;
            let mut add = |name: &str, value: Option<&String>, is_env| {
                let (name, value) = (name.to_owned(), value.cloned());
                found.push(Declaration { name, value, is_env, scope, line });
            };
            match &instruction.kind {
                InstructionKind::Arg(args) => {
                    args.iter().for_each(|(name, value)| add(name, value.as_ref(), false));
                }
                InstructionKind::Env(pairs) => {
                    for (name, value) in pairs {
                        let name = self.lex().expand(name, &|_| Variable::Unknown);
                        name.iter().for_each(|name| add(name, Some(value), true));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The variables that instructions use, once per instruction.
    pub fn variable_uses(&self) -> Vec<VariableUse> {
        let mut found = Vec::new();
        for (scope, instruction) in self.scoped() {
            let scope = match instruction.kind {
                InstructionKind::From(_) => VariableScope::Global,
                _ => scope,
            };
            let line = instruction.first;
            for (by, names) in [
                (Expander::Builder, self.of_builder(instruction)),
                (Expander::Step, of_step(instruction)),
            ] {
                found.extend(names.into_iter().map(|name| VariableUse { name, by, scope, line }));
            }
        }
        found
    }

    /// The rules for words of its instructions.
    pub fn lex(&self) -> Lex {
        Lex::of_instructions(self.escape)
    }

    /// All instructions with their scopes; for `ONBUILD`, the instruction inside it.
    fn scoped(&self) -> impl Iterator<Item = (VariableScope, &Instruction)> {
        let mut stages = 0_usize;
        self.instructions.iter().map(move |instruction| {
            stages += usize::from(matches!(instruction.kind, InstructionKind::From(_)));
            match (&instruction.kind, stages.checked_sub(1)) {
                (_, None) => (VariableScope::Global, instruction),
                (InstructionKind::Onbuild(inner), Some(stage)) => {
                    (VariableScope::Trigger(stage), &**inner)
                }
                (_, Some(stage)) => (VariableScope::Stage(stage), instruction),
            }
        })
    }

    fn of_builder(&self, instruction: &Instruction) -> Vec<String> {
        let names = Names::default();
        for word in expanded(instruction) {
            names.of_word(self.lex(), word);
        }
        // The content of a file: quotes are normal characters there.
        let lex = Lex { quotes: Quotes::Ignore, ..Lex::of_instructions('\\') };
        if let InstructionKind::Copy(_) = &instruction.kind {
            for heredoc in instruction.heredocs.iter().filter(|heredoc| heredoc.expands) {
                names.of_word(lex, &heredoc.content);
            }
        }
        names.found.into_inner()
    }
}

/// The words of an instruction in which BuildKit expands variables.
///
/// Source: <https://docs.docker.com/reference/dockerfile/#environment-replacement>
fn expanded(instruction: &Instruction) -> Vec<&str> {
    let flag = |name: &str| instruction.flag(name);
    match &instruction.kind {
        InstructionKind::From(from) => {
            [Some(&*from.base), from.platform.as_deref()].into_iter().flatten().collect()
        }
        InstructionKind::Arg(args) => {
            args.iter().filter_map(|(_, value)| value.as_deref()).collect()
        }
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            pairs.iter().flat_map(|(name, value)| [&**name, &**value]).collect()
        }
        InstructionKind::Copy(copy) => {
            let flags = ["chown", "chmod", "checksum"].into_iter().filter_map(flag);
            let paths = copy.sources.iter().chain([&copy.destination]).map(String::as_str);
            paths.chain(flags).collect()
        }
        InstructionKind::Run(run) => run.mounts.iter().flat_map(|mount| mount.texts()).collect(),
        InstructionKind::Workdir(text)
        | InstructionKind::User(text)
        | InstructionKind::Stopsignal(text) => vec![text],
        InstructionKind::Volume(list) | InstructionKind::Expose(list) => {
            list.iter().map(String::as_str).collect()
        }
        InstructionKind::Cmd(_)
        | InstructionKind::Entrypoint(_)
        | InstructionKind::Healthcheck(_)
        | InstructionKind::Shell(_)
        | InstructionKind::Maintainer(_)
        | InstructionKind::Onbuild(_)
        | InstructionKind::Other => Vec::new(),
    }
}

/// The variables that the command of a step seems to use. Commands that run in containers later do
/// not see arguments.
fn of_step(instruction: &Instruction) -> Vec<String> {
    let InstructionKind::Run(run) = &instruction.kind else { return Vec::new() };
    let names = Names::default();
    match &run.command {
        CommandForm::Shell(text) => {
            names.of_script(text);
            // A here-document alone is the script itself.
            let alone = super::lines::heredoc(text.trim()).is_some();
            let read = |heredoc: &&Heredoc| alone || heredoc.expands;
            for heredoc in instruction.heredocs.iter().filter(read) {
                names.of_script(&heredoc.content);
            }
        }
        // Without a shell, variables are not expanded.
        CommandForm::Exec(words) if words.first().is_some_and(|program| is_shell(program)) => {
            words.iter().for_each(|word| names.of_script(word));
        }
        CommandForm::Exec(_) => {}
    }
    names.found.into_inner()
}

fn is_shell(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    ["sh", "ash", "bash", "dash", "ksh", "zsh"].contains(&name)
}

/// Names in the order in which they were found, without duplicates.
#[derive(Default)]
struct Names {
    found: RefCell<Vec<String>>,
}

impl Names {
    fn add(&self, name: &str) {
        let mut found = self.found.borrow_mut();
        if !name.is_empty() && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }

    fn of_word(&self, lex: Lex, word: &str) {
        // BuildKit reports errors in it.
        let _ = lex.expand(word, &|name| {
            self.add(name);
            Variable::Set("x")
        });
    }

    /// The variables of a shell script, as far as they can be found without a shell.
    fn of_script(&self, script: &str) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (mut single, mut double) = (false, false);
        let mut chars = script.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' if !single => drop(chars.next()),
                '\'' if !double => single = !single,
                '"' if !single => double = !double,
                '$' if !single => {
                    let rest = &script[at + 1..];
                    // `${#X}` is a length, `${!X}` another variable.
                    let rest = rest.strip_prefix('{').unwrap_or(rest);
                    let rest = rest.strip_prefix(['#', '!']).unwrap_or(rest);
                    if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                        self.add(rest.split(|c| !is_part(c)).next().unwrap_or_default());
                    }
                    // The second `$` of `$$` does not begin a name.
                    let _ = chars.next_if(|(_, c)| *c == '$');
                }
                _ => {}
            }
        }
    }
}
