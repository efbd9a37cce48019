//! The command that repeats what failed.

use std::collections::HashSet;

use crate::config::{Typed, Word, quoted};
use crate::matrix::Cell;
use crate::outcome::{CellResult, Outcome};

/// Maximum number of cells that the command names.
const MOST_NAMES: usize = 8;

/// Maximum number of values that one of its flags lists.
const MOST_VALUES: usize = 12;

/// What the command is made of.
pub(super) struct Repeat {
    typed: Typed,
    cells: Vec<Named>,
    /// Whether one cell alone would have another destination.
    moves_alone: bool,
}

/// A cell: its name, and its axes with their values.
struct Named {
    name: String,
    axes: Vec<(String, String)>,
}

impl Repeat {
    pub(super) fn new(typed: &Typed, cells: &[Cell], moves_alone: bool) -> Self {
        let named = |cell: &Cell| Named {
            name: cell.name.to_string(),
            axes: cell.axes.iter().map(|(a, v)| (a.to_string(), v.to_string())).collect(),
        };
        Self { typed: typed.clone(), cells: cells.iter().map(named).collect(), moves_alone }
    }

    /// A line with the command that builds what is not built, if a cell failed: cells that were cancelled or
    /// not started are part of it. If it uses variables, a line before it names them.
    pub(super) fn line(&self, outcomes: &[Outcome]) -> Option<String> {
        let is_failed = |one: &&Outcome| matches!(one.result, CellResult::Failed(_));
        outcomes.iter().find(is_failed)?;
        let is_open = |one: &&Outcome| !matches!(one.result, CellResult::Built(_));
        let open: HashSet<&str> = outcomes.iter().filter(is_open).map(|one| &*one.cell).collect();
        let (words, count) = self.words(&open);
        let command = format!("onebuild {} {}", self.typed.command, words.join(" "));
        let more = match count - open.len() {
            0 => String::new(),
            1 => ", and a cell that did not fail".to_owned(),
            more => format!(", and {more} cells that did not fail"),
        };
        let first = self.first();
        Some(format!("{first}to repeat what failed{more}: {}\n", command.trim_end()))
    }

    /// `set A and B first: …`, or nothing if the command has no variables.
    fn first(&self) -> String {
        let Some((last, others)) = self.typed.variables.split_last() else { return String::new() };
        let names = match others {
            [] => last.clone(),
            _ => format!("{} and {last}", others.join(", ")),
        };
        format!("set {names} in the shell first: values that could be secret are not shown\n")
    }

    /// The words after the subcommand, and the number of cells that they select.
    fn words(&self, open: &HashSet<&str>) -> (Vec<String>, usize) {
        let words = &self.typed.words;
        let texts = |keep: &dyn Fn(&Word) -> bool| -> Vec<String> {
            words.iter().filter(|word| keep(word)).map(|word| word.text().to_owned()).collect()
        };
        let all = || (texts(&|_| true), self.cells.len());
        let is_cell = |word: &Word| matches!(word, Word::Cell(_));
        let adds = words.iter().any(|word| matches!(word, Word::Add(_)));
        if open.len() == self.cells.len() || self.moves_alone && open.len() == 1 {
            return all();
        }
        if open.len() <= MOST_NAMES || words.iter().any(is_cell) {
            // Names need no other selection, except that a value has to be added.
            let mut kept = texts(&|word| match word {
                Word::Flag(_) | Word::Add(_) => true,
                Word::Only { .. } => adds,
                Word::Skip(_) | Word::Cell(_) => false,
            });
            let named = self.cells.iter().filter(|cell| open.contains(&*cell.name));
            kept.extend(named.map(|cell| quoted(&cell.name)));
            return (kept, open.len());
        }
        if adds {
            return all();
        }
        let narrowed = self.narrowed(open);
        let is_narrowed = |axis: &str| narrowed.iter().any(|(known, _)| *known == axis);
        let mut kept = texts(&|word| !matches!(word, Word::Only { axis, .. } if is_narrowed(axis)));
        kept.extend(
            narrowed.iter().map(|(axis, values)| format!("--only {axis}={}", values.join(","))),
        );
        let is_selected = |cell: &&Named| {
            cell.axes.iter().all(|(axis, value)| {
                let own = narrowed.iter().find(|(known, _)| known == axis);
                own.is_none_or(|(_, values)| values.contains(&value.as_str()))
            })
        };
        (kept, self.cells.iter().filter(is_selected).count())
    }

    /// The axes of which only some values are needed, and these values.
    fn narrowed(&self, open: &HashSet<&str>) -> Vec<(&str, Vec<&str>)> {
        let Some(first) = self.cells.first() else { return Vec::new() };
        let axes = first.axes.iter().enumerate();
        let narrowed = axes.filter_map(|(number, (axis, _))| {
            let values = |is_wanted: &dyn Fn(&Named) -> bool| {
                let mut values: Vec<&str> = Vec::new();
                for cell in self.cells.iter().filter(|cell| is_wanted(cell)) {
                    let value = cell.axes[number].1.as_str();
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                values
            };
            let needed = values(&|cell| open.contains(&*cell.name));
            let is_short =
                needed.len() <= MOST_VALUES && needed.iter().all(|value| is_plain(value));
            let is_less = is_short && needed.len() < values(&|_| true).len();
            is_less.then_some((axis.as_str(), needed))
        });
        narrowed.collect()
    }
}

/// Whether the value is neither a list nor a glob nor a comparison in a flag.
fn is_plain(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-/".contains(&b))
        && !value.contains("..")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outcome::Built;

    fn only(axis: &str, word: &str) -> Word {
        Word::Only { axis: axis.to_owned(), word: word.to_owned() }
    }

    /// The line for a run of `os` times `version`, in which the cells for which `fails` holds fail.
    fn line(
        words: &[Word],
        versions: usize,
        moves_alone: bool,
        fails: impl Fn(&str, usize) -> bool,
    ) -> Option<String> {
        let typed =
            Typed { command: "matrix".to_owned(), words: words.to_vec(), ..Typed::default() };
        let mut repeat = Repeat::new(&typed, &[], moves_alone);
        let mut outcomes = Vec::new();
        for os in ["ubuntu", "alpine"] {
            for version in 0..versions {
                let name = format!("{os}-{version}");
                let pair = |axis: &str, value: &str| (axis.to_owned(), value.to_owned());
                let axes = vec![pair("os", os), pair("version", &version.to_string())];
                outcomes.push(Outcome {
                    cell: name.as_str().into(),
                    platforms: Vec::new(),
                    result: match fails(os, version) {
                        true => CellResult::Failed(Box::new(crate::report::samples::exit_code())),
                        false => CellResult::Built(Built::default()),
                    },
                    elapsed: Duration::ZERO,
                });
                repeat.cells.push(Named { name, axes });
            }
        }
        repeat.line(&outcomes)
    }

    #[test]
    fn the_command_names_failed_cells_or_selects_them_by_axis() {
        let push = || Word::Flag("--push".to_owned());
        let all = |_: &str, _: usize| true;
        let some = |os: &str, version: usize| os == "alpine" && [1, 2].contains(&version);
        let many = |os: &str, version: usize| os == "alpine" && version >= 10;
        let most = |os: &str, version: usize| os == "alpine" && version != 3;
        let cell = || Word::Cell("'*'".to_owned());
        let skip = || Word::Skip("--skip os=centos".to_owned());
        let add = || Word::Add("--add version=9".to_owned());
        let newest = || only("version", "--version 1,2");
        type Fails<'f> = &'f dyn Fn(&str, usize) -> bool;
        let cases: [(&[Word], usize, bool, Fails<'_>, &str); 9] = [
            (&[push()], 3, false, &some, ": onebuild matrix --push alpine-1 alpine-2"),
            (
                &[newest(), push(), skip()],
                3,
                false,
                &some,
                ": onebuild matrix --push alpine-1 alpine-2",
            ),
            (
                &[newest(), add()],
                3,
                false,
                &some,
                ": onebuild matrix --version 1,2 --add version=9 alpine-1 alpine-2",
            ),
            (&[newest(), push()], 3, false, &all, ": onebuild matrix --version 1,2 --push"),
            (
                &[push(), skip()],
                20,
                false,
                &many,
                ": onebuild matrix --push --skip os=centos --only os=alpine --only version=10,11,12,13,14,15,16,17,18,19",
            ),
            (
                &[newest()],
                20,
                false,
                &most,
                ", and a cell that did not fail: onebuild matrix --version 1,2 --only os=alpine",
            ),
            (
                &[add()],
                20,
                false,
                &most,
                ", and 21 cells that did not fail: onebuild matrix --add version=9",
            ),
            (
                &[cell()],
                9,
                false,
                &|os, _| os == "alpine",
                ": onebuild matrix alpine-0 alpine-1 alpine-2 alpine-3 alpine-4 alpine-5 alpine-6 alpine-7 alpine-8",
            ),
            (
                &[],
                2,
                true,
                &|os, version| os == "alpine" && version == 1,
                ", and 3 cells that did not fail: onebuild matrix",
            ),
        ];
        for (words, versions, moves_alone, fails, wanted) in cases {
            let line = line(words, versions, moves_alone, fails).unwrap();
            assert_eq!(line, format!("to repeat what failed{wanted}\n"));
        }
        assert_eq!(line(&[], 3, false, |_, _| false), None);
    }

    #[test]
    fn the_variables_of_the_command_are_named_before_it() {
        for (variables, expected) in [
            (&[][..], ""),
            (&["A"], "set A in the shell"),
            (&["A", "B"], "set A and B in the shell"),
            (&["A", "B", "C"], "set A, B and C in the shell"),
        ] {
            let variables = variables.iter().map(|name| (*name).to_owned()).collect();
            let repeat = Repeat::new(&Typed { variables, ..Typed::default() }, &[], false);
            let first = repeat.first();
            assert_eq!(first.split(" first:").next(), Some(expected));
        }
    }
}
