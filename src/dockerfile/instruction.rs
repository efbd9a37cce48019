//! One instruction, with everything in it that refers to an image, a stage, a context, a path or a
//! variable.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/> and
//! <https://github.com/moby/buildkit/tree/master/frontend/dockerfile/instructions>

use super::lines::{self, Heredoc};
use super::mount::Mount;
use super::words::{self, Flag};

/// An instruction and its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Its first and last line, from 1, including here-documents and comments inside it.
    pub first: u32,
    pub last: u32,
    /// In upper case: `FROM`.
    pub keyword: String,
    pub flags: Vec<Flag>,
    /// The text after the flags, on one line.
    pub arguments: String,
    pub heredocs: Vec<Heredoc>,
    pub kind: InstructionKind,
}

/// The content of an instruction as written: quotes and variables stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstructionKind {
    From(From),
    /// Names and defaults.
    Arg(Vec<(String, Option<String>)>),
    Env(Vec<(String, String)>),
    Label(Vec<(String, String)>),
    /// `COPY` and `ADD`.
    Copy(Copy),
    Run(RunInstruction),
    Cmd(CommandForm),
    Entrypoint(CommandForm),
    /// `None` for `HEALTHCHECK NONE`.
    Healthcheck(Option<CommandForm>),
    /// The program that runs shell-form commands.
    Shell(Vec<String>),
    Workdir(String),
    User(String),
    Volume(Vec<String>),
    Expose(Vec<String>),
    Stopsignal(String),
    Maintainer(String),
    /// An instruction for images and stages that are based on this one.
    Onbuild(Box<Instruction>),
    /// An instruction that BuildKit does not know or cannot parse.
    Other,
}

/// `FROM [--platform=PLATFORM] BASE [AS NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    pub base: String,
    /// In lower case: the names of stages are case-insensitive.
    pub name: Option<String>,
    pub platform: Option<String>,
}

/// `COPY [--from=NAME] SOURCE… DESTINATION`, `ADD SOURCE… DESTINATION`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// A stage by name or number, a named context, or an image.
    pub from: Option<String>,
    /// Without here-documents; for `ADD` also URLs.
    pub sources: Vec<String>,
    pub destination: String,
}

/// `RUN [--mount=…] [--network=…] [--security=…] [--device=…] COMMAND`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInstruction {
    pub mounts: Vec<Mount>,
    pub network: Option<String>,
    pub security: Option<String>,
    pub devices: Vec<String>,
    pub command: CommandForm,
}

/// A command in shell or exec form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandForm {
    /// For the shell; here-documents are stored in the instruction.
    Shell(String),
    Exec(Vec<String>),
}

impl Instruction {
    pub(super) fn parse(line: lines::Logical, escape: char) -> Self {
        let (keyword, rest) = words::keyword(&line.text);
        let keyword = keyword.to_ascii_uppercase();
        let (flags, arguments) = words::flags(rest, escape);
        let kind = match keyword.as_str() {
            "ONBUILD" => onbuild(&line, arguments, escape),
            keyword => kind(keyword, &flags, arguments, escape),
        };
        Self {
            first: line.first,
            last: line.last,
            keyword,
            flags,
            arguments: arguments.to_owned(),
            heredocs: line.heredocs,
            kind: kind.unwrap_or(InstructionKind::Other),
        }
    }

    /// The value of a flag; the last one if it is repeated.
    pub fn flag(&self, name: &str) -> Option<&str> {
        flag(&self.flags, name)
    }
}

fn flag<'f>(flags: &'f [Flag], name: &str) -> Option<&'f str> {
    flags.iter().rev().find(|flag| flag.name == name)?.value.as_deref()
}

/// The instruction in an `ONBUILD`, which has the same lines.
fn onbuild(line: &lines::Logical, arguments: &str, escape: char) -> Option<InstructionKind> {
    let inner = lines::Logical {
        first: line.first,
        last: line.last,
        text: arguments.to_owned(),
        heredocs: line.heredocs.clone(),
    };
    let inner = Box::new(Instruction::parse_trigger(inner, escape)?);
    Some(InstructionKind::Onbuild(inner))
}

impl Instruction {
    /// `None` for instructions that are not allowed in `ONBUILD`.
    fn parse_trigger(line: lines::Logical, escape: char) -> Option<Self> {
        let (keyword, _) = words::keyword(&line.text);
        let refused = ["", "ONBUILD", "FROM", "MAINTAINER"];
        let refused = refused.iter().any(|known| keyword.eq_ignore_ascii_case(known));
        (!refused).then(|| Self::parse(line, escape))
    }
}

fn kind(keyword: &str, flags: &[Flag], arguments: &str, escape: char) -> Option<InstructionKind> {
    let value = |name: &str| flag(flags, name).map(str::to_owned);
    let all = |name: &'static str| {
        flags.iter().filter(move |flag| flag.name == name).filter_map(|flag| flag.value.as_deref())
    };
    let list = || words::json(arguments).unwrap_or_else(|| words::plain(arguments));
    let text = || Some(arguments.to_owned()).filter(|text| !text.is_empty());
    Some(match keyword {
        "FROM" => {
            let words = words::plain(arguments);
            let name = match words.as_slice() {
                [_, as_word, name] if as_word.eq_ignore_ascii_case("as") => Some(name),
                _ => None,
            };
            InstructionKind::From(From {
                base: words.first()?.clone(),
                name: name.map(|name| name.to_ascii_lowercase()),
                platform: value("platform"),
            })
        }
        "ARG" => {
            let words = words::quoted(arguments, escape).into_iter();
            let pairs = words.map(|word| match word.split_once('=') {
                Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                None => (word, None),
            });
            InstructionKind::Arg(pairs.collect())
        }
        "ENV" => InstructionKind::Env(pairs(arguments, escape)?),
        "LABEL" => InstructionKind::Label(pairs(arguments, escape)?),
        "COPY" | "ADD" => {
            let mut sources = list();
            let destination = sources.pop()?;
            sources.retain(|source| lines::heredoc(source).is_none());
            let from = value("from").filter(|from| keyword == "COPY" && !from.is_empty());
            InstructionKind::Copy(Copy { from, sources, destination })
        }
        "RUN" => InstructionKind::Run(RunInstruction {
            mounts: all("mount").map(Mount::parse).collect(),
            network: value("network"),
            security: value("security"),
            devices: all("device").map(str::to_owned).collect(),
            command: command(arguments),
        }),
        "CMD" => InstructionKind::Cmd(command(arguments)),
        "ENTRYPOINT" => InstructionKind::Entrypoint(command(arguments)),
        "HEALTHCHECK" => {
            let (kind, rest) = words::keyword(arguments);
            let has_command = kind.eq_ignore_ascii_case("CMD");
            InstructionKind::Healthcheck(has_command.then(|| command(rest)))
        }
        "SHELL" => InstructionKind::Shell(words::json(arguments)?),
        "WORKDIR" => InstructionKind::Workdir(text()?),
        "USER" => InstructionKind::User(text()?),
        "VOLUME" => InstructionKind::Volume(list()),
        "EXPOSE" => InstructionKind::Expose(words::plain(arguments)),
        "STOPSIGNAL" => InstructionKind::Stopsignal(text()?),
        "MAINTAINER" => InstructionKind::Maintainer(text()?),
        _ => return None,
    })
}

fn command(text: &str) -> CommandForm {
    words::json(text).map_or_else(|| CommandForm::Shell(text.to_owned()), CommandForm::Exec)
}

/// `NAME=VALUE…`, or the older `NAME VALUE`, whose value extends to the end of the line.
fn pairs(arguments: &str, escape: char) -> Option<Vec<(String, String)>> {
    let words = words::quoted(arguments, escape);
    if words.first()?.contains('=') {
        let pairs = words.iter().filter_map(|word| word.split_once('='));
        return Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    }
    let (name, value) = words::keyword(arguments);
    Some(vec![(name.to_owned(), value.to_owned())])
}
