//! Checks that a test runs programs built for the tested platform.
//!
//! The kernel of the engine's machine runs native programs regardless of the image's platform: a test on
//! linux/arm64 passes with amd64 programs, although the image does not work. So the program of a test is
//! inspected, and for a script the interpreter in its `#!` line.

use std::fmt;

use crate::docker::Start;
use crate::image::{Elf, Platform, Program};

/// Docker's default if an image does not set `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How many programs are inspected: a script, its interpreter, and so on.
const MAX_CHAIN: usize = 6;

/// A program of another platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignProgram {
    path: String,
    made_for: Elf,
    platform: Platform,
}

impl fmt::Display for ForeignProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, made_for, platform } = self;
        write!(f, "{path} is {made_for}, but the platform is {platform}")
    }
}

/// The files of a container.
pub(crate) trait ContainerRoot {
    /// The first bytes of the executable file at an absolute path. `None` if it does not exist or cannot
    /// be read.
    async fn executable(&self, path: &str) -> Option<Vec<u8>>;
}

/// The first program for another platform in the chain from `program` to its last interpreter. A file
/// that is missing, unreadable or not ELF is not reported: the test shows whether it runs.
pub(crate) async fn foreign(
    root: &impl ContainerRoot,
    start: &Start,
    program: &str,
    platform: &Platform,
) -> Option<ForeignProgram> {
    let mut next = program.to_owned();
    for _ in 0..MAX_CHAIN {
        let (path, head) = locate(root, start, &next).await?;
        match Program::of(&head) {
            Program::Elf(made_for) if made_for.runs_on(platform) == Some(false) => {
                return Some(ForeignProgram { path, made_for, platform: platform.clone() });
            }
            Program::Elf(_) | Program::Other => return None,
            Program::Script { interpreter, argument } => {
                let through_env = interpreter.ends_with("/env");
                match through_env.then(|| behind_env(&argument)).flatten() {
                    None => next = interpreter,
                    Some(behind) => {
                        // `env` itself runs, too.
                        let (path, head) = locate(root, start, &interpreter).await?;
                        if let Program::Elf(made_for) = Program::of(&head)
                            && made_for.runs_on(platform) == Some(false)
                        {
                            return Some(ForeignProgram {
                                path,
                                made_for,
                                platform: platform.clone(),
                            });
                        }
                        next = behind;
                    }
                }
            }
        }
    }
    None
}

/// The path of a program, found like the kernel and `execvp` do, and its first bytes.
async fn locate(
    root: &impl ContainerRoot,
    start: &Start,
    program: &str,
) -> Option<(String, Vec<u8>)> {
    let candidates: Vec<String> = if program.starts_with('/') {
        vec![program.to_owned()]
    } else if program.contains('/') {
        let program = program.trim_start_matches("./");
        vec![format!("{}/{program}", start.folder.trim_end_matches('/'))]
    } else if program.is_empty() {
        Vec::new()
    } else {
        let given = start.env.iter().rev().find_map(|entry| entry.strip_prefix("PATH="));
        let path = given.unwrap_or(PATH).split(':').filter(|entry| entry.starts_with('/'));
        path.map(|entry| format!("{}/{program}", entry.trim_end_matches('/'))).collect()
    };
    for path in candidates {
        if let Some(head) = root.executable(&path).await {
            return Some((path, head));
        }
    }
    None
}

/// The program that `env` starts, from its argument in a `#!` line.
fn behind_env(argument: &str) -> Option<String> {
    let mut words = argument.split_whitespace().map(|word| {
        // `-S` splits what follows it, with or without a space.
        let split = word.strip_prefix("--split-string=").or_else(|| word.strip_prefix("-S"));
        split.unwrap_or(word)
    });
    let is_setting = |word: &str| word.is_empty() || word.starts_with('-') || word.contains('=');
    words.find(|word| !is_setting(word)).map(str::to_owned)
}

/// The first program of a shell command line, if it is a plain word. Assignments before it are skipped.
pub(crate) fn first_word(line: &str) -> Option<&str> {
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
    };
    let is_setting = |word: &&str| word.split_once('=').is_some_and(|(name, _)| is_name(name));
    let is_plain =
        |word: &&str| word.bytes().all(|c| c.is_ascii_alphanumeric() || b"._/+-".contains(&c));
    line.lines().next()?.split_whitespace().find(|word| !is_setting(word)).filter(is_plain)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use futures::FutureExt as _;

    use super::*;

    struct Files(HashMap<&'static str, Vec<u8>>);

    impl ContainerRoot for Files {
        async fn executable(&self, path: &str) -> Option<Vec<u8>> {
            self.0.get(path).cloned()
        }
    }

    fn elf(machine: u8) -> Vec<u8> {
        let mut head = vec![0; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[18] = machine;
        head
    }

    #[test]
    fn the_last_program_in_the_chain_is_inspected() {
        let (amd, arm) = (elf(62), elf(183));
        let files = Files(HashMap::from([
            ("/bin/amd", amd.clone()),
            ("/bin/arm", arm.clone()),
            ("/usr/bin/env", arm.clone()),
            ("/opt/env", amd.clone()),
            ("/usr/local/bin/both", arm.clone()),
            ("/usr/bin/both", amd.clone()),
            ("/bin/script", b"#!/bin/amd -e\n".to_vec()),
            ("/bin/fine", b"#!/bin/arm\n".to_vec()),
            ("/bin/nested", b"#!/bin/script\n".to_vec()),
            ("/bin/by-env", b"#!/usr/bin/env amd\n".to_vec()),
            ("/bin/by-env-s", b"#!/usr/bin/env -S A=b amd -x\n".to_vec()),
            ("/bin/by-env-fine", b"#!/usr/bin/env arm\n".to_vec()),
            ("/bin/by-other-env", b"#!/opt/env arm\n".to_vec()),
            ("/bin/endless", b"#!/bin/endless\n".to_vec()),
            ("/bin/lost", b"#!/nowhere\n".to_vec()),
            ("/bin/data", b"something".to_vec()),
            ("/srv/tool", amd),
        ]));
        let start = |env: &[&str]| Start {
            program: String::new(),
            folder: "/srv".to_owned(),
            env: env.iter().map(|entry| (*entry).to_owned()).collect(),
        };
        let arm64: Platform = "linux/arm64".parse().unwrap();
        for (program, env, wanted) in [
            ("/bin/amd", &[][..], Some("/bin/amd")),
            ("/bin/arm", &[], None),
            ("amd", &[], Some("/bin/amd")),
            ("both", &[], None),
            ("both", &["PATH=/usr/bin:/usr/local/bin"], Some("/usr/bin/both")),
            ("both", &["PATH=bin:/usr/local/bin/"], None),
            ("./tool", &[], Some("/srv/tool")),
            ("tool", &[], None),
            ("tool", &["PATH=/srv"], Some("/srv/tool")),
            ("script", &[], Some("/bin/amd")),
            ("nested", &[], Some("/bin/amd")),
            ("fine", &[], None),
            ("by-env", &[], Some("/bin/amd")),
            ("by-env-s", &[], Some("/bin/amd")),
            ("by-env-fine", &[], None),
            ("by-other-env", &[], Some("/opt/env")),
            ("endless", &[], None),
            ("lost", &[], None),
            ("data", &[], None),
            ("none", &[], None),
            ("", &[], None),
        ] {
            let found = foreign(&files, &start(env), program, &arm64).now_or_never().unwrap();
            let path = found.as_ref().map(|found| found.path.as_str());
            assert_eq!(path, wanted, "{program} with {env:?}");
            if let Some(found) = found {
                let message =
                    format!("{} is an x86-64 program, but the platform is linux/arm64", found.path);
                assert_eq!(found.to_string(), message);
            }
        }
    }

    #[test]
    fn the_first_plain_word_of_a_shell_line_is_its_program() {
        for (line, wanted) in [
            ("app --version", Some("app")),
            ("/usr/bin/app | grep 1", Some("/usr/bin/app")),
            ("A=b C='d' app", Some("app")),
            ("\"$APP\" --version", None),
            ("$APP", None),
            ("(app)", None),
            ("", None),
            ("\n", None),
        ] {
            assert_eq!(first_word(line), wanted, "{line}");
        }
    }
}
