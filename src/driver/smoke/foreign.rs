//! Whether what a test runs is made for the platform that is tested.
//!
//! The kernel of the engine's machine runs its own programs whatever the image says: a test on
//! linux/arm64 passes with amd64 programs, and the image works nowhere. So the program that a test
//! starts is looked at, and for a script the interpreter that its `#!` line names.

use std::fmt;

use crate::docker::Start;
use crate::image::{Elf, Platform, Program};

/// What Docker takes where an image sets no `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How many programs are looked at: a script, its interpreter, and so on.
const CHAIN: usize = 6;

/// A program of another platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    path: String,
    made_for: Elf,
    platform: Platform,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, made_for, platform } = self;
        write!(f, "{path} is {made_for}, and the platform is {platform}")
    }
}

/// The files of a container.
pub(crate) trait Root {
    /// The first bytes of the executable file at an absolute path; none where there is no such file
    /// or it cannot be read.
    async fn executable(&self, path: &str) -> Option<Vec<u8>>;
}

/// The first program of another platform on the way from `program` to what runs in the end. What
/// cannot be found or read, or is no ELF file, is no finding: whether it runs is for the test to say.
pub(crate) async fn foreign(
    root: &impl Root,
    start: &Start,
    program: &str,
    platform: &Platform,
) -> Option<Foreign> {
    let mut next = program.to_owned();
    for _ in 0..CHAIN {
        let (path, head) = locate(root, start, &next).await?;
        match Program::of(&head) {
            Program::Elf(made_for) if made_for.runs_on(platform) == Some(false) => {
                return Some(Foreign { path, made_for, platform: platform.clone() });
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
                            return Some(Foreign { path, made_for, platform: platform.clone() });
                        }
                        next = behind;
                    }
                }
            }
        }
    }
    None
}

/// Where a program lies, as the kernel and `execvp` look for it, and its first bytes.
async fn locate(root: &impl Root, start: &Start, program: &str) -> Option<(String, Vec<u8>)> {
    let candidates: Vec<String> = if program.starts_with('/') {
        vec![program.to_owned()]
    } else if program.contains('/') {
        let program = program.trim_start_matches("./");
        vec![format!("{}/{program}", start.folder.trim_end_matches('/'))]
    } else if program.is_empty() {
        Vec::new()
    } else {
        let given = start.env.iter().rev().find_map(|entry| entry.strip_prefix("PATH="));
        let folders = given.unwrap_or(PATH).split(':').filter(|folder| folder.starts_with('/'));
        folders.map(|folder| format!("{}/{program}", folder.trim_end_matches('/'))).collect()
    };
    for path in candidates {
        if let Some(head) = root.executable(&path).await {
            return Some((path, head));
        }
    }
    None
}

/// The program that `env` starts, given what stands after it in a `#!` line.
fn behind_env(argument: &str) -> Option<String> {
    let mut words = argument.split_whitespace().map(|word| {
        // `-S` splits what comes after it, with or without a blank.
        let split = word.strip_prefix("--split-string=").or_else(|| word.strip_prefix("-S"));
        split.unwrap_or(word)
    });
    let is_setting = |word: &str| word.is_empty() || word.starts_with('-') || word.contains('=');
    words.find(|word| !is_setting(word)).map(str::to_owned)
}

/// The program that a line for the shell starts first, where it is written plainly: a word, after
/// what sets variables.
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

    impl Root for Files {
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
    fn what_runs_in_the_end_is_looked_at() {
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
                let told =
                    format!("{} is an x86-64 program, and the platform is linux/arm64", found.path);
                assert_eq!(found.to_string(), told);
            }
        }
    }

    #[test]
    fn a_line_for_the_shell_names_its_first_program_if_it_is_plain() {
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
