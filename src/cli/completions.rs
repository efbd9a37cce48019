//! A completion script for a shell. It contains the axes of the matrix.

use clap::builder::PossibleValuesParser;
use clap_complete::generate;

use super::axes::{axis_flags, axis_id};
use super::command::command;
use crate::config::Shell;
use crate::matrix::Axis;

const PROGRAM: &str = "onebuild";

/// Maximum number of values in the script. A longer list is not useful for completion.
const MOST_VALUES: usize = 500;

/// Loads the script again when the current directory changes, because the matrix may then differ.
const BASH_RELOAD: &str = r#"
_onebuild_reload() {
    if [[ "$PWD" != "${_onebuild_directory-}" ]]; then
        _onebuild_directory=$PWD
        source <(command onebuild completions bash 2>/dev/null)
    fi
    _onebuild "$@"
}
_onebuild_directory=$PWD
complete -F _onebuild_reload -o bashdefault -o default onebuild
"#;

/// The script for a matrix with `axes`, or for no matrix.
pub(crate) fn completion_script(shell: Shell, axes: Option<&[Axis]>) -> String {
    let mut command = command(&axis_flags(axes.unwrap_or_default()));
    if let Some(axes) = axes {
        command = with_values(command, axes);
    }
    let mut bytes = Vec::new();
    generate(generator(shell), &mut command, PROGRAM, &mut bytes);
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if shell == Shell::Bash {
        text += BASH_RELOAD;
    }
    text
}

fn generator(shell: Shell) -> clap_complete::Shell {
    match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Elvish => clap_complete::Shell::Elvish,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::PowerShell => clap_complete::Shell::PowerShell,
        Shell::Zsh => clap_complete::Shell::Zsh,
    }
}

/// Adds the values of each axis to the command line.
fn with_values(mut command: clap::Command, axes: &[Axis]) -> clap::Command {
    let picks: Vec<String> = axes
        .iter()
        .flat_map(|axis| words(axis).map(move |word| format!("{}={word}", axis.name)))
        .collect();
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |mut sub| {
            for axis in axes {
                let id = axis_id(&axis.name);
                if sub.get_arguments().any(|arg| *arg.get_id() == *id) {
                    let values = PossibleValuesParser::new(words(axis).map(str::to_owned));
                    // The usual help shows the values as written in the file.
                    let help = format!("Only these values of the axis {}", axis.name);
                    sub = sub.mut_arg(id, |arg| arg.value_parser(values).help(help));
                }
            }
            for id in ["only", "skip"] {
                if sub.get_arguments().any(|arg| arg.get_id() == id) {
                    let values = PossibleValuesParser::new(picks.clone());
                    sub = sub.mut_arg(id, |arg| arg.value_parser(values));
                }
            }
            sub
        });
    }
    command
}

/// The values that are safe in a script of any shell. An untrusted matrix may contain `$(…)`, and some
/// shells expand completion candidates.
fn words(axis: &Axis) -> impl Iterator<Item = &str> {
    let plain = |text: &&str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
    };
    axis.values.iter().map(|value| &*value.text).filter(plain).take(MOST_VALUES)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::error::SourceFile;
    use crate::matrix::Matrix;

    fn matrix(values: &str) -> Matrix {
        let text = format!(
            "image: me/app\ntag: t-<%os%>\nplatforms: linux/amd64\naxes: {{ os: [{values}] }}\n"
        );
        Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap()
    }

    #[test]
    fn every_shell_gets_the_values_of_the_axes() {
        let matrix = matrix("ubuntu, alpine");
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let with = completion_script(shell, Some(matrix.axes()));
            assert!(with.contains("--os") || with.contains("-l os"), "{shell:?}");
            assert!(!completion_script(shell, None).contains("ubuntu"), "{shell:?}");
        }
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let with = completion_script(shell, Some(matrix.axes()));
            assert!(with.contains("ubuntu") && with.contains("os=alpine"), "{shell:?}");
        }
    }

    #[test]
    fn a_value_that_a_shell_would_run_is_in_no_script() {
        let matrix = matrix("ubuntu, '$(touch x)', '`touch x`', \"'; touch x;\", 'a b'");
        for shell in Shell::value_variants() {
            let script = completion_script(*shell, Some(matrix.axes()));
            assert!(!script.contains("touch"), "{shell:?}");
        }
    }
}
