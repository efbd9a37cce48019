//! `onebuild logs`: prints the logs of cells of a recorded run.

use std::path::Path;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use super::records;
use crate::config::LogsConfig;
use crate::error::{Error, ErrorKind, listed, nearest_name, visible};
use crate::matrix::glob_matches;
use crate::record::{Entry, LogReader, Recorded, State};
use crate::run::terminal::{self, Buffered};
use crate::text::{Paint, clean, duration};

/// How often a log is read again with `--follow`.
const PULSE: Duration = Duration::from_millis(250);

pub(super) fn run(config: &LogsConfig) -> Result<ExitCode, Error> {
    let directory = records::directory(&config.record)?;
    let (entry, run, cells) = chosen(config, &directory)?;
    if cells.is_empty() {
        tell(&format!("the cells of run {}", described(&run)));
        terminal::stdout(&terminal::stdout_paint().shown(&list(&run)));
        return Ok(ExitCode::SUCCESS);
    }
    tell(&format!("run {}", described(&run)));
    let paint = terminal::stdout_paint();
    let mut out = terminal::buffered();
    if config.follow {
        follow((&entry, run), &cells, paint, &mut out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for cell in &cells {
        let mut log = entry.log(cell);
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

/// A run, and those of its cells that are named.
type Chosen = (Entry, Recorded, Vec<String>);

fn chosen(config: &LogsConfig, directory: &Path) -> Result<Chosen, Error> {
    let Some(run) = &config.run else {
        let all = records::all(directory)?;
        return newest(&records::some_of_matrix(all, &config.file)?, &config.cells);
    };
    let entry = records::chosen(directory, &config.file, run)?;
    let run = records::record(&entry).ok_or_else(records::unreadable)?;
    let cells = matching(&run, &config.cells).map_err(|unknown| not_there(&unknown, &run))?;
    Ok((entry, run, cells))
}

/// The newest run that has all of `patterns`.
fn newest(runs: &[Entry], patterns: &[String]) -> Result<Chosen, Error> {
    let mut first_error = None;
    for entry in runs {
        let Some(run) = records::record(entry) else { continue };
        match matching(&run, patterns) {
            Ok(cells) => return Ok((entry.clone(), run, cells)),
            Err(unknown) => {
                first_error.get_or_insert_with(|| not_there(&unknown, &run));
            }
        }
    }
    Err(first_error.unwrap_or_else(records::unreadable))
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
    (entry, mut run): (&Entry, Recorded),
    cells: &[String],
    paint: Paint,
    out: &mut Buffered,
) -> Result<(), Error> {
    let mut logs: Vec<(LogReader, &String)> =
        cells.iter().map(|cell| (entry.log(cell), cell)).collect();
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
        run = entry.read().map_err(|error| {
            let message = format!("the record of the run is gone: {}", crate::error::why(&error));
            Error::new(ErrorKind::Environment, message)
        })?;
    }
}
