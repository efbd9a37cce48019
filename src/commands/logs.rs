//! `onebuild logs`: prints the logs of cells of a recorded run.

use std::path::Path;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use super::records;
use crate::config::{LogsConfig, RunChoice};
use crate::error::{Error, ErrorKind, listed, nearest_name, visible};
use crate::matrix::glob_matches;
use crate::record::{Entry, LogReader, Recorded, State};
use crate::run::terminal::{self, Buffered};
use crate::text::{Paint, clean, duration};

/// How often a log is read again with `--follow`.
const PULSE: Duration = Duration::from_millis(250);

pub(super) fn run(config: &LogsConfig) -> Result<ExitCode, Error> {
    let directory = records::directory(&config.record)?;
    let (run, cells) = chosen(config, &directory)?;
    if cells.is_empty() {
        tell(&format!("the cells of run {}", described(&run)));
        terminal::stdout(&terminal::stdout_paint().shown(&list(&run)));
        return Ok(ExitCode::SUCCESS);
    }
    tell(&format!("run {}", described(&run)));
    let paint = terminal::stdout_paint();
    let mut out = terminal::buffered();
    if config.follow {
        follow(run, &cells, paint, &mut out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for cell in &cells {
        let mut log = run.log(cell);
        let mut is_empty = true;
        while let Some(chunk) = next(&mut log, cell)? {
            is_empty = false;
            if !print(&chunk, paint, &mut out) {
                return Ok(ExitCode::SUCCESS);
            }
        }
        let rest = log.rest();
        if is_empty && rest.is_empty() {
            tell(&format!("`{cell}` has no log: {}", records::cell_result(&run, cell)));
        }
        print(&rest, paint, &mut out);
    }
    Ok(ExitCode::SUCCESS)
}

/// `20261128T181044Z-3f2a, 2 hours ago: 34 pushed, 2 failed`
fn described(run: &Recorded) -> String {
    let (id, when) = (&run.head.id, records::when(run.head.time));
    format!("{id}, {when}: {}", records::result(run))
}

fn tell(text: &str) {
    terminal::stderr(&format!("note: {}\n", visible(text)));
}

/// The run, and those of its cells that are named.
fn chosen(config: &LogsConfig, directory: &Path) -> Result<(Recorded, Vec<String>), Error> {
    let all = records::all(directory)?;
    let entry = match &config.run {
        Some(RunChoice::Id(id)) => {
            let found = all.iter().find(|entry| entry.id == *id);
            found.cloned().ok_or_else(|| {
                let message = format!("there is no record of the run {id}");
                Error::new(ErrorKind::Usage, message)
                    .help("`onebuild runs --all` lists the recorded runs; old ones are removed")
            })?
        }
        Some(RunChoice::Number(number)) => {
            let runs = some_of_matrix(all, config)?;
            let count = runs.len();
            runs.into_iter().nth(number.get() - 1).ok_or_else(|| {
                let message =
                    format!("--run {number}: only {count} runs of this matrix are recorded");
                Error::new(ErrorKind::Usage, message).help("`onebuild runs` lists them")
            })?
        }
        None => return newest(&some_of_matrix(all, config)?, &config.cells),
    };
    let run = records::record(&entry).ok_or_else(unreadable)?;
    let cells = matching(&run, &config.cells).map_err(|unknown| not_there(&unknown, &run))?;
    Ok((run, cells))
}

fn some_of_matrix(all: Vec<Entry>, config: &LogsConfig) -> Result<Vec<Entry>, Error> {
    let runs = records::of_matrix(all, &config.file);
    if runs.is_empty() {
        let message = format!("no run of {} is recorded", config.file.display());
        let help = "`onebuild build` and `onebuild matrix` record their runs; `onebuild runs --all` lists \
                    those of other matrices";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    Ok(runs)
}

/// The newest run that has all of `patterns`.
fn newest(runs: &[Entry], patterns: &[String]) -> Result<(Recorded, Vec<String>), Error> {
    let mut first_error = None;
    for entry in runs {
        let Some(run) = records::record(entry) else { continue };
        match matching(&run, patterns) {
            Ok(cells) => return Ok((run, cells)),
            Err(unknown) => {
                first_error.get_or_insert_with(|| not_there(&unknown, &run));
            }
        }
    }
    Err(first_error.unwrap_or_else(unreadable))
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Environment, "the record of the run cannot be read")
        .help("choose another run with --run; `onebuild runs` lists them")
}

/// The cells that `patterns` select, in the order of the run; or a pattern that selects none.
fn matching(run: &Recorded, patterns: &[String]) -> Result<Vec<String>, String> {
    let is = |pattern: &str, name: &str| {
        let names = &run.cells[name].cell.references;
        glob_matches(pattern, name) || names.iter().any(|name| name == pattern)
    };
    let unknown = patterns.iter().find(|pattern| !run.cells.keys().any(|cell| is(pattern, cell)));
    if let Some(unknown) = unknown {
        return Err(unknown.clone());
    }
    let named = run.cells.keys().filter(|cell| patterns.iter().any(|pattern| is(pattern, cell)));
    Ok(named.cloned().collect())
}

fn not_there(cell: &str, run: &Recorded) -> Error {
    let message = format!("the run {} has no cell `{cell}`", run.head.id);
    let names = || run.cells.keys().map(String::as_str);
    let help = match nearest_name(cell, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("its cells: {}", listed(names())),
    };
    Error::new(ErrorKind::Usage, message).help(help)
}

fn list(run: &Recorded) -> String {
    let row = |cell: &String| {
        let finished = run.cells.get(cell).and_then(|known| known.finished.as_ref());
        let time = finished.map_or_else(String::new, |finished| duration(finished.elapsed));
        [clean(cell, 200), time, clean(&records::cell_result(run, cell), 200)]
    };
    let rows: Vec<[String; 3]> = run.cells.keys().map(row).collect();
    records::table(["cell", "time", "result"], &rows)
}

fn next(log: &mut LogReader, cell: &str) -> Result<Option<Vec<u8>>, Error> {
    log.next().map_err(|error| {
        let message = format!("the log of `{cell}` is damaged: {}", crate::error::why(&error));
        Error::new(ErrorKind::Environment, message).help("choose another run with --run")
    })
}

/// Prints lines; returns false if nobody reads them.
fn print(lines: &[u8], paint: Paint, out: &mut Buffered) -> bool {
    let text = String::from_utf8_lossy(lines);
    // They were cleaned when they were written. The file may have been changed since.
    text.lines().all(|line| out.text(&paint.shown(&(clean(line, usize::MAX) + "\n"))))
}

/// Prints what is there and what is added, until the cells or the run have ended.
fn follow(
    mut run: Recorded,
    cells: &[String],
    paint: Paint,
    out: &mut Buffered,
) -> Result<(), Error> {
    let mut logs: Vec<(LogReader, &String)> =
        cells.iter().map(|cell| (run.log(cell), cell)).collect();
    loop {
        // Before the logs are read: what a cell wrote before its end is in its log then.
        let is_last = !matches!(run.state, State::Running)
            || cells.iter().all(|cell| run.cells[cell].finished.is_some());
        for (log, cell) in &mut logs {
            while let Some(chunk) = next(log, cell)? {
                if !print(&chunk, paint, out) {
                    return Ok(());
                }
            }
        }
        if !out.done(std::io::Write::flush) || is_last {
            return Ok(());
        }
        sleep(PULSE);
        run = run.entry.read().map_err(|error| {
            let message = format!("the record of the run is gone: {}", crate::error::why(&error));
            Error::new(ErrorKind::Environment, message)
        })?;
    }
}
