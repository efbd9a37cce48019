//! `onebuild runs`: lists the recorded runs.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::records;
use crate::config::{RunsConfig, RunsFormat};
use crate::error::{Error, visible};
use crate::plan::escaped;
use crate::record::{Entry, Recorded, State};
use crate::run::terminal;
use crate::text::{clean, duration};

/// Maximum length of a command in the table, and of the name of a matrix.
const COMMAND: usize = 60;
const MATRIX: usize = 60;

pub(super) fn run(config: &RunsConfig) -> Result<ExitCode, Error> {
    let directory = records::directory(&config.record)?;
    let all = records::all(&directory)?;
    let has_some = !all.is_empty();
    let entries = match config.all {
        true => all,
        false => records::of_matrix(all, &config.file),
    };
    let read = |entry: Entry| records::record(&entry).map(|run| (entry, run));
    let runs: Vec<(Entry, Recorded)> = entries.into_iter().filter_map(read).collect();
    match config.format {
        RunsFormat::Json => terminal::stdout(&json(&runs)),
        RunsFormat::Table if runs.is_empty() => {
            let file = config.file.display().to_string();
            terminal::stderr(&match has_some && !config.all {
                true => format!(
                    "no run of {} is recorded; `onebuild runs --all` lists those of other matrices\n",
                    visible(&file)
                ),
                false => {
                    format!("no run is recorded in {}\n", visible(&directory.display().to_string()))
                }
            });
        }
        RunsFormat::Table => {
            let paint = terminal::stdout_paint();
            terminal::stdout(&paint.shown(&table(&runs, config.all)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(runs: &[(Entry, Recorded)], with_matrix: bool) -> String {
    let row = |(_, run): &(Entry, Recorded)| {
        let command = run.head.command.text.strip_prefix("onebuild ").unwrap_or_default();
        let result = records::result(run);
        [
            run.head.id.to_string(),
            records::when(run.head.time),
            clean(command, COMMAND),
            result,
            duration(run.elapsed()),
        ]
    };
    let rows: Vec<[String; 5]> = runs.iter().map(row).collect();
    if !with_matrix {
        return records::table(["run", "when", "command", "result", "time"], &rows);
    }
    let rows = rows.into_iter().zip(runs).map(|([id, when, command, result, time], (_, run))| {
        let matrix = &run.head.matrix;
        let matrix = clean(matrix.path.as_ref().unwrap_or(&matrix.file), MATRIX);
        [id, when, command, result, time, matrix]
    });
    let rows: Vec<[String; 6]> = rows.collect();
    records::table(["run", "when", "command", "result", "time", "matrix"], &rows)
}

/// JSON. A version only ever gains fields; it never changes them.
fn json(runs: &[(Entry, Recorded)]) -> String {
    let runs: Vec<Value> = runs.iter().map(run_json).collect();
    let value = json!({ "version": 1, "runs": runs });
    let text = serde_json::to_string_pretty(&value)
        .expect("strings, lists and maps with string keys always serialize");
    escaped(&text).into_owned() + "\n"
}

fn run_json((entry, run): &(Entry, Recorded)) -> Value {
    let exit_code = match &run.state {
        State::Ended(end) => Some(end.exit_code),
        State::Running | State::Killed => None,
    };
    json!({
        "id": run.head.id,
        "time": run.head.time,
        "command": run.head.command.text,
        "matrix": run.head.matrix,
        "result": records::state(run),
        "exit_code": exit_code,
        "elapsed": run.elapsed().as_millis() as f64 / 1000.0,
        "totals": run.totals(),
        "directory": entry.directory,
    })
}
