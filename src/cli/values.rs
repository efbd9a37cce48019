//! The values of flags that have a fixed list of them, with their help.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::config::{ExplainFormat, LintFormat, PlanFormat, RunsFormat, Shell};
use crate::input::Network;
use crate::progress::Mode;

/// Implements [`ValueEnum`] here, so that the types themselves do not depend on clap.
macro_rules! values {
    ($type:ty { $($variant:ident = $name:literal $(: $help:literal)?,)* }) => {
        impl ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self::$variant),*]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(match self {
                    $(Self::$variant => PossibleValue::new($name)$(.help($help))?,)*
                })
            }
        }
    };
}

values! { PlanFormat {
    Table = "table": "A table",
    Json = "json": "JSON",
    Github = "github":
        "A strategy matrix for GitHub Actions: one line for `fromJSON`, at most 256 jobs",
    Bake = "bake": "For `docker buildx bake -f -`, which builds the same images",
} }

values! { ExplainFormat {
    Text = "text",
    Json = "json",
} }

values! { LintFormat {
    Text = "text": "Plain text",
    Json = "json": "JSON",
    Sarif = "sarif": "SARIF, for code scanning",
    Github = "github": "Annotations for GitHub Actions",
} }

values! { RunsFormat {
    Table = "table": "A table",
    Json = "json": "JSON",
} }

values! { Shell {
    Bash = "bash",
    Elvish = "elvish",
    Fish = "fish",
    PowerShell = "powershell",
    Zsh = "zsh",
} }

values! { Network {
    Default = "default",
    None = "none",
    Host = "host": "The network of the engine's host",
} }

values! { Mode {
    Auto = "auto": "`tty` on a terminal, `github` in GitHub Actions, else `plain`",
    Tty = "tty": "The running steps, redrawn in place",
    Plain = "plain": "One line for each event and each line of build output",
    Github = "github": "For the log of GitHub Actions: a group of lines for each cell when it ends",
    Json = "json": "The events of the run on stdout, one JSON object a line, in place of the images",
    Quiet = "quiet": "Only failures and unverified pushes",
} }
