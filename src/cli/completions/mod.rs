//! Shell completion. The program computes the candidates at each TAB, so they are those of the matrix that
//! the command line would use.
//!
//! `onebuild completions SHELL` prints a script that registers a function. At a TAB, the function runs
//! `ONEBUILD_COMPLETE=SHELL onebuild -- WORDS`. Nothing is printed then but candidates, not even for errors
//! in the matrix.

mod candidates;

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum as _;
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::axes::axis_flags;
use super::command::command;
use super::surroundings::Variable;
use crate::config::Shell;

pub(crate) use candidates::Known;

const PROGRAM: &str = "onebuild";

/// The variable that asks for candidates. Its value is the name of the shell.
const VARIABLE: &str = "ONEBUILD_COMPLETE";

/// Joins words that Bash splits; the function of clap_complete does not.
const BASH: &str = include_str!("onebuild.bash");

/// The script that registers the completion of a shell.
pub(crate) fn completion_script(shell: Shell) -> String {
    if shell == Shell::Bash {
        return BASH.to_owned();
    }
    let mut script = Vec::new();
    // Writing into memory does not fail.
    let _ = completer(shell).write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The shell that asks for candidates, and the words of its command line, the program's name first.
pub(crate) fn completed(args: &[OsString], variable: Variable) -> Option<(Shell, &[OsString])> {
    let shell = Shell::from_str(variable(VARIABLE)?.to_str()?, false).ok()?;
    match args {
        [_, escape, words @ ..] if escape == "--" && !words.is_empty() => Some((shell, words)),
        _ => None,
    }
}

/// The candidates for the current word, in the form that the function of `shell` reads.
pub(crate) fn candidates(
    shell: Shell,
    words: &[OsString],
    here: Option<&Path>,
    known: Known,
) -> String {
    let mut command = candidates::with_candidates(command(&axis_flags(&known.axes)), known);
    let mut text = Vec::new();
    // It fails if there are no candidates.
    let _ = completer(shell).write_complete(&mut command, words.to_vec(), here, &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn completer(shell: Shell) -> &'static dyn EnvCompleter {
    match shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::PowerShell => &Powershell,
        Shell::Zsh => &Zsh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SourceFile;
    use crate::matrix::Matrix;

    const MATRIX: &str = "\
image: me/app
tag: <%version%>-<%os%>
platforms: [linux/amd64, linux/arm64]
axes: { os: [ubuntu, alpine], version: 1.0..1.2 }
vars: { mirror: x }
";

    const UNSAFE: &str = "\
image: me/app
tag: <%n%>
platforms: linux/amd64
axes: { os: [ubuntu, $(touch x), '`touch x`', a b, '*'], n: [1] }
";

    /// The candidates for the last word of `line`.
    fn offered(line: &str, text: &str) -> Vec<String> {
        let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text.to_owned())).unwrap();
        let axes = matrix.axes().to_vec();
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let known = Known {
            axes,
            matrix: Some(matrix.into()),
            runs: vec!["20261128T181044Z-3f2a".to_owned()],
        };
        let offered = candidates(Shell::Fish, &words, None, known);
        offered.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn candidates_come_from_the_matrix() {
        for (line, wanted) in [
            ("onebuild build --os ", "ubuntu alpine"),
            ("onebuild build --os=", "--os=ubuntu --os=alpine"),
            ("onebuild matrix --os ubuntu,a", "ubuntu,alpine"),
            ("onebuild plan --version 1.", "1.0 1.1 1.2"),
            ("onebuild plan --only o", "os="),
            ("onebuild plan --only os=u", "os=ubuntu"),
            ("onebuild plan --skip os=ubuntu,", "os=ubuntu,alpine"),
            ("onebuild lint --add version=", "version=1.0 version=1.1 version=1.2"),
            ("onebuild build --platform linux/amd64,linux/arm6", "linux/amd64,linux/arm64"),
            ("onebuild build --platform a", "amd64 arm64"),
            ("onebuild build --platform amd64,ar", "amd64,arm64"),
            ("onebuild build --platform n", "native"),
            ("onebuild plan --group-by os,v", "os,version"),
            ("onebuild plan --var ", "mirror="),
            ("onebuild explain 1.1-a", "1.1-alpine"),
            ("onebuild build 1.1-a", "1.1-alpine"),
            ("onebuild plan 1.0-alpine 1.1-u", "1.1-ubuntu"),
            ("onebuild matrix --push 1.2-", "1.2-ubuntu 1.2-alpine"),
            ("onebuild render --os alpine 1.2-u", "1.2-ubuntu"),
            ("onebuild plan --format j", "json"),
            ("onebuild completions b", "bash"),
            ("onebuild pl", "plan"),
            ("onebuild logs 1.1-a", "1.1-alpine"),
            ("onebuild logs --run 2", "20261128T181044Z-3f2a"),
            ("onebuild schema --o", ""),
        ] {
            assert_eq!(offered(line, MATRIX).join(" "), wanted, "{line}");
        }
        assert!(offered("onebuild build --o", MATRIX).contains(&"--os".to_owned()));
    }

    #[test]
    fn a_value_that_a_shell_would_run_is_never_a_candidate() {
        for line in ["--os ", "--only os=", "--skip os=", ""] {
            for command in ["build", "explain", "plan"] {
                let offered = offered(&format!("onebuild {command} {line}"), UNSAFE).join("\n");
                assert!(!offered.contains(['$', '`', '*']), "{command} {line}: {offered}");
            }
        }
    }

    #[test]
    fn only_the_function_of_a_shell_asks_for_candidates() {
        let bash: Variable = |name| (name == VARIABLE).then(|| "bash".into());
        let wrong: Variable = |name| (name == VARIABLE).then(|| "tcsh".into());
        for (line, variable, wanted) in [
            ("o -- onebuild p", bash, Some(2)),
            ("o --", bash, None),
            ("o plan -- x", bash, None),
            ("o -- onebuild p", wrong, None),
            ("o -- onebuild p", |_: &str| None, None),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let found = completed(&args, variable);
            assert_eq!(found.map(|(_, words)| words.len()), wanted, "{line}");
        }
    }

    #[test]
    fn every_script_names_the_variable_and_no_matrix() {
        for shell in Shell::value_variants() {
            let script = completion_script(*shell);
            assert!(script.contains("ONEBUILD_COMPLETE"), "{shell:?}");
            assert!(script.lines().count() < 60, "{shell:?}");
        }
    }
}
