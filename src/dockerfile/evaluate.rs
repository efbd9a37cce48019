//! Evaluates a Dockerfile for one platform as BuildKit does: its stages, the stages and images that
//! they use, and which of them are built.
//!
//! Source: <https://github.com/moby/buildkit/blob/master/frontend/dockerfile/dockerfile2llb/convert.go>

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::instruction::{Instruction, InstructionKind};
use super::lex::Variable;
use super::mount::{Mount, is_true};
use super::predefined::{PLATFORM_ARGS, Parts};
use super::unexpanded::Unexpanded;
use super::{Dockerfile, From};
use crate::image::Platform;

/// The inputs of an evaluation.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// Build arguments.
    pub args: &'a IndexMap<Arc<str>, Arc<str>>,
    /// The target stage; `None` for the last one.
    pub target: Option<&'a str>,
    /// The target platform, if known.
    pub platform: Option<&'a Platform>,
    /// The engine's own platform, if known.
    pub build_platform: Option<&'a Platform>,
    /// Whether a named context replaces the stage of this name.
    pub is_replaced: &'a dyn Fn(&str) -> bool,
}

/// A Dockerfile evaluated for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// In file order; their numbers are their indexes here.
    pub stages: Vec<Stage>,
    /// The stage that becomes the image; `None` if no stage has the given name.
    pub target: Option<usize>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The first line of its `FROM`, from 1.
    pub line: u32,
    /// In lower case.
    pub name: Option<String>,
    /// The base in `FROM`.
    pub base: Source,
    /// `FROM --platform`. A stage that is based on another stage has the platform of that stage,
    /// regardless of this value.
    pub platform: Option<Text>,
    /// A named context replaces it: BuildKit runs none of its instructions.
    pub is_replaced: bool,
    /// Whether it is built: it is the target, or the target depends on it.
    pub is_reachable: bool,
    /// The stages, contexts and images that it uses, `FROM` first.
    pub uses: Vec<Use>,
    /// The line of its first `RUN`, from 1, also one that a stage below requests with `ONBUILD`.
    pub first_run: Option<u32>,
    /// The mounts of its steps.
    pub mounts: Vec<Mounted>,
}

/// A reference to a stage, a context or an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The first line of the instruction, from 1.
    pub line: u32,
    pub by: UsedBy,
    /// As written, with variables.
    pub written: String,
    pub source: Source,
}

/// The instruction that uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsedBy {
    /// `FROM`
    From,
    /// `COPY --from`
    Copy,
    /// `RUN --mount=from=`
    Mount,
}

/// The target of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A stage, by its index.
    Stage(usize),
    /// `scratch`.
    Scratch,
    /// A named context, otherwise an image.
    Named(String),
    /// It depends on values that only BuildKit knows, or BuildKit rejects it.
    Unknown(Unexpanded),
}

/// A string and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub written: String,
    pub value: Result<String, Unexpanded>,
}

/// `RUN --mount` with its variables expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The first line of the `RUN`, from 1.
    pub line: u32,
    /// `bind`, `cache`, `tmpfs`, `secret` or `ssh`.
    pub kind: Text,
    pub from: Option<Source>,
    /// The id of a cache, a secret or an agent; BuildKit's default if the mount has no id.
    pub id: Option<Text>,
    pub source: Option<Text>,
    pub target: Option<Text>,
    /// For caches: `shared` by default.
    pub sharing: Option<Text>,
    pub env: Option<Text>,
    /// The step fails if the secret or the agent is missing.
    pub is_required: bool,
}

impl Text {
    /// The value, if known.
    pub fn known(&self) -> Option<&str> {
        self.value.as_deref().ok()
    }
}

impl Mounted {
    /// Whether it is known to be of this kind.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.known().is_some_and(|known| known.eq_ignore_ascii_case(kind))
    }
}

impl Dockerfile {
    /// Evaluates the file for one platform and these inputs.
    pub fn evaluate(&self, given: &Given<'_>) -> Evaluated {
        self.evaluated(given, true)
    }

    /// The same without the mounts. This is faster, because the variables of stages need not be
    /// evaluated: the references of a stage do not depend on them.
    pub fn stages(&self, given: &Given<'_>) -> Evaluated {
        self.evaluated(given, false)
    }

    fn evaluated(&self, given: &Given<'_>, has_variables: bool) -> Evaluated {
        let stages = split(&self.instructions);
        let names: Vec<Option<&str>> =
            stages.iter().map(|(_, from, _)| from.name.as_deref()).collect();
        let target = target(&names, given.target);
        let global = self.global(given, target.and_then(|number| names[number]));
        let evaluation = Evaluation { file: self, given, global, names: &names, has_variables };
        let mut done: Vec<Stage> = Vec::with_capacity(stages.len());
        let mut envs: Vec<Env> = Vec::with_capacity(stages.len());
        let mut triggers: Vec<Vec<&Instruction>> = Vec::with_capacity(stages.len());
        for (line, from, instructions) in &stages {
            let (mut stage, mut env) = evaluation.begin(*line, from, &envs);
            let mut own = Vec::new();
            if !stage.is_replaced {
                let inherited = match stage.base {
                    Source::Stage(number) => &*triggers[number],
                    _ => &[],
                };
                for instruction in inherited.iter().copied().chain(*instructions) {
                    evaluation.instruction(instruction, &mut stage, &mut env);
                }
                own.extend(instructions.iter().filter_map(|one| match &one.kind {
                    InstructionKind::Onbuild(inner) => Some(&**inner),
                    _ => None,
                }));
            }
            done.push(stage);
            envs.push(env);
            triggers.push(own);
        }
        let mut open: Vec<usize> = target.into_iter().collect();
        while let Some(number) = open.pop() {
            if !std::mem::replace(&mut done[number].is_reachable, true) {
                open.extend(done[number].uses.iter().filter_map(|used| match used.source {
                    Source::Stage(number) => Some(number),
                    _ => None,
                }));
            }
        }
        Evaluated { stages: done, target }
    }

    /// The variables that are visible in `FROM`.
    fn global(&self, given: &Given<'_>, target: Option<&str>) -> Env {
        let mut env = Env::default();
        let known = |platform: &&Platform| !platform.is_native();
        let parts = |platform: Option<&Platform>| platform.filter(known).map(Parts::of);
        let (of_build, of_target) = (parts(given.build_platform), parts(given.platform));
        for name in PLATFORM_ARGS {
            let of = |parts: &Option<Parts>, rest: &str| {
                parts.as_ref().map(|parts| parts.get(rest).to_owned()).ok_or(Unexpanded::Unknown)
            };
            let value = match (given.args.get(name), name.strip_prefix("BUILD")) {
                (Some(value), _) => Ok(value.to_string()),
                (None, Some(rest)) => of(&of_build, rest),
                (None, None) if name == "TARGETSTAGE" => Ok(target.unwrap_or("default").to_owned()),
                (None, None) => of(&of_target, name.trim_start_matches("TARGET")),
            };
            env.values.insert(name.to_owned(), value);
        }
        let before = self
            .instructions
            .iter()
            .take_while(|one| !matches!(one.kind, InstructionKind::From(_)));
        for instruction in before {
            let InstructionKind::Arg(args) = &instruction.kind else { continue };
            for (name, default) in args {
                let value = match (given.args.get(name.as_str()), default) {
                    (Some(value), _) => Ok(value.to_string()),
                    (None, Some(default)) => self.lex().expand(default, &|name| env.get(name)),
                    (None, None) => continue,
                };
                env.values.insert(name.clone(), value);
            }
        }
        env
    }
}

/// The instructions of each stage after its `FROM`.
fn split(instructions: &[Instruction]) -> Vec<(u32, &From, &[Instruction])> {
    let from = |one: &Instruction| matches!(one.kind, InstructionKind::From(_));
    let starts = instructions.iter().enumerate().filter(|(_, one)| from(one));
    let mut found = Vec::new();
    for (start, one) in starts {
        let InstructionKind::From(from_) = &one.kind else { continue };
        let rest = &instructions[start + 1..];
        let length = rest.iter().position(from).unwrap_or(rest.len());
        found.push((one.first, from_, &rest[..length]));
    }
    found
}

/// Unlike `COPY --from`, a target is a name and never a number.
fn target(names: &[Option<&str>], wanted: Option<&str>) -> Option<usize> {
    match wanted {
        Some(wanted) => named(names, wanted),
        None => names.len().checked_sub(1),
    }
}

/// The last stage of this name.
fn named(names: &[Option<&str>], wanted: &str) -> Option<usize> {
    names.iter().rposition(|name| name.is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
}

/// The variables at one place of a stage.
#[derive(Debug, Clone, Default)]
struct Env {
    values: HashMap<String, Result<String, Unexpanded>>,
    /// Whether a base image may define others.
    is_open: bool,
}

impl Env {
    fn get(&self, name: &str) -> Variable<'_> {
        match self.values.get(name) {
            Some(Ok(value)) => Variable::Set(value),
            Some(Err(_)) => Variable::Unknown,
            // Base images do not define variables of these names.
            None if self.is_open && !PLATFORM_ARGS.contains(&name) => Variable::Unknown,
            None => Variable::Unset,
        }
    }
}

struct Evaluation<'a> {
    file: &'a Dockerfile,
    given: &'a Given<'a>,
    global: Env,
    /// Of all stages.
    names: &'a [Option<&'a str>],
    /// Whether the variables of stages are evaluated.
    has_variables: bool,
}

impl Evaluation<'_> {
    fn begin(&self, line: u32, from: &From, before: &[Env]) -> (Stage, Env) {
        let text = |written: &str| Text {
            written: written.to_owned(),
            value: self.file.lex().expand(written, &|name| self.global.get(name)),
        };
        let base = text(&from.base);
        let replaced = from.name.as_ref().filter(|name| (self.given.is_replaced)(name));
        let source = match (replaced, &base.value) {
            (Some(name), _) => Source::Named(name.clone()),
            (None, Err(why)) => Source::Unknown(why.clone()),
            (None, Ok(base)) => match named(&self.names[..before.len()], base) {
                Some(number) => Source::Stage(number),
                None => elsewhere(base),
            },
        };
        let env = match &source {
            Source::Stage(number) => before[*number].clone(),
            Source::Scratch => {
                let path = ("PATH".to_owned(), Err(Unexpanded::Unknown));
                Env { values: HashMap::from([path]), is_open: false }
            }
            Source::Named(_) | Source::Unknown(_) => Env { values: HashMap::new(), is_open: true },
        };
        let used =
            Use { line, by: UsedBy::From, written: from.base.clone(), source: source.clone() };
        let stage = Stage {
            line,
            name: from.name.clone(),
            base: source,
            platform: from.platform.as_deref().map(text),
            is_replaced: replaced.is_some(),
            is_reachable: false,
            uses: vec![used],
            first_run: None,
            mounts: Vec::new(),
        };
        (stage, env)
    }

    fn instruction(&self, instruction: &Instruction, stage: &mut Stage, env: &mut Env) {
        let line = instruction.first;
        let lex = self.file.lex();
        match &instruction.kind {
            InstructionKind::Arg(_) | InstructionKind::Env(_) if !self.has_variables => {}
            InstructionKind::Arg(args) => {
                for (name, default) in args {
                    let global = self.global.values.get(name);
                    let value = match (self.given.args.get(name.as_str()), default) {
                        (Some(value), _) => Some(Ok(value.to_string())),
                        (None, Some(default)) => Some(lex.expand(default, &|name| env.get(name))),
                        (None, None) => global.cloned(),
                    };
                    if let Some(value) = value {
                        env.values.insert(name.clone(), value);
                    }
                }
            }
            InstructionKind::Env(pairs) => {
                // All pairs see the values before the instruction.
                let expand = |text: &str| lex.expand(text, &|name| env.get(name));
                let pairs: Vec<_> =
                    pairs.iter().map(|(name, value)| (expand(name), expand(value))).collect();
                for (name, value) in pairs {
                    match name {
                        Ok(name) => drop(env.values.insert(name, value)),
                        Err(_) => env.is_open = true,
                    }
                }
            }
            InstructionKind::Copy(copy) => {
                let Some(written) = &copy.from else { return };
                let source = self.copied(written);
                let written = written.clone();
                stage.uses.push(Use { line, by: UsedBy::Copy, written, source });
            }
            InstructionKind::Run(run) => {
                stage.first_run.get_or_insert(line);
                for mount in &run.mounts {
                    // A mount with a variable as its type may be one of these types.
                    let kind = mount.kind.as_deref().unwrap_or("bind");
                    let is = |known: &&str| known.eq_ignore_ascii_case(kind);
                    let looks = !["tmpfs", "secret", "ssh"].iter().any(is);
                    if let Some(written) = mount.from.as_ref().filter(|_| looks) {
                        let source = self.mounted_from(written);
                        let written = written.clone();
                        stage.uses.push(Use { line, by: UsedBy::Mount, written, source });
                    }
                    if self.has_variables {
                        stage.mounts.push(self.mounted(line, mount, env));
                    }
                }
            }
            _ => {}
        }
    }

    /// The target of `COPY --from`, which accepts numbers, but no variables.
    fn copied(&self, written: &str) -> Source {
        let plain = self.file.lex().expand(written, &|_| Variable::Unset);
        match written.parse::<i64>() {
            _ if plain.as_deref() != Ok(written) => refused("`--from` does not support variables"),
            Ok(number) => match usize::try_from(number) {
                Ok(number) if number < self.names.len() => Source::Stage(number),
                _ => refused(&format!("there is no stage {number}")),
            },
            Err(_) => self.mounted_from(written),
        }
    }

    /// The target of `RUN --mount=from=`.
    fn mounted_from(&self, written: &str) -> Source {
        match named(self.names, written) {
            Some(number) => Source::Stage(number),
            None if written.contains('$') => refused("`from` does not support variables"),
            None => elsewhere(written),
        }
    }

    fn mounted(&self, line: u32, mount: &Mount, env: &Env) -> Mounted {
        let text = |written: &str| Text {
            written: written.to_owned(),
            value: self.file.lex().expand(written, &|name| env.get(name)),
        };
        let texts = |written: &Option<String>| written.as_deref().map(text);
        let kind = text(mount.kind.as_deref().unwrap_or("bind"));
        let mut mounted = Mounted {
            line,
            kind,
            from: mount.from.as_deref().map(|from| self.mounted_from(from)),
            id: texts(&mount.id),
            source: texts(&mount.source),
            target: texts(&mount.target),
            sharing: texts(&mount.sharing),
            env: texts(&mount.env),
            is_required: texts(&mount.required)
                .is_some_and(|text| text.known().is_some_and(is_true)),
        };
        mounted.id = mounted.effective_id();
        mounted
    }
}

impl Mounted {
    fn effective_id(&self) -> Option<Text> {
        let map = |text: &Text, change: &dyn Fn(&str) -> String| Text {
            written: change(&text.written),
            value: text.value.as_deref().map(change).map_err(Clone::clone),
        };
        let fixed = |text: &str| Text { written: text.to_owned(), value: Ok(text.to_owned()) };
        let given = || self.id.clone().filter(|id| id.known() != Some(""));
        let source = || self.source.clone().filter(|source| source.known() != Some(""));
        match self.kind.known()?.to_ascii_lowercase().as_str() {
            "secret" => source()
                .or_else(given)
                .or_else(|| Some(map(self.target.as_ref()?, &|path| last_part(path)))),
            "ssh" => given().or_else(|| Some(fixed("default"))),
            "cache" => given().or_else(|| Some(map(self.target.as_ref()?, &|path| cleaned(path)))),
            _ => self.id.clone(),
        }
    }
}

fn refused(why: &str) -> Source {
    Source::Unknown(Unexpanded::Invalid(why.to_owned()))
}

/// The target of a name that is not a stage.
fn elsewhere(name: &str) -> Source {
    match name {
        "" => refused("the name is empty"),
        "scratch" => Source::Scratch,
        name => Source::Named(name.to_owned()),
    }
}

fn last_part(path: &str) -> String {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

/// A path without `.`, `..` and double slashes.
fn cleaned(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
