use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Collected, Recorder, Start, relay};
use crate::event::{self, Step, StepId, StepState};
use crate::outcome::{Built, CellResult, Outcome};
use crate::record::event::{Cell, Command, MatrixFile, Totals};
use crate::record::{Entry, Retention, State, Steps, Timestamp, entries};

fn start(cells: &[&str]) -> Start {
    let cell = |name: &&str| Cell { cell: (*name).to_owned(), ..Cell::default() };
    Start {
        time: Timestamp::now(),
        command: Command {
            name: "matrix".to_owned(),
            arguments: Vec::new(),
            text: "onebuild matrix".to_owned(),
        },
        matrix: MatrixFile { file: "matrix.yaml".to_owned(), path: None },
        engine: "Docker Engine".to_owned(),
        jobs: 4,
        pushes: false,
        native: Some("linux/amd64".to_owned()),
        cells: cells.iter().map(cell).collect(),
        kept: Vec::new(),
        retention: Retention::default(),
    }
}

fn log(cell: &str, line: impl Into<String>) -> event::Event {
    event::Event::Log { cell: cell.into(), step: StepId(1), line: line.into() }
}

fn step(cell: &str, state: StepState) -> event::Event {
    let step = Step {
        id: StepId(1),
        name: "RUN make".to_owned(),
        platform: Some("linux/amd64".parse().unwrap()),
        stage: None,
        position: Some((3, 9)),
        is_output: false,
        state,
    };
    event::Event::Step { cell: cell.into(), step }
}

fn finished(cell: &str, result: CellResult) -> event::Event {
    let elapsed = Duration::from_millis(2_500);
    let cell = cell.into();
    event::Event::CellFinished(Outcome { cell, platforms: Vec::new(), result, elapsed })
}

fn only(place: &Path) -> Entry {
    let mut found = entries(place).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

fn text_of(entry: &Entry, cell: &str) -> String {
    let (mut log, mut text) = (entry.log(cell), Vec::new());
    while let Some(chunk) = log.next().unwrap() {
        text.extend(chunk);
    }
    String::from_utf8(text).unwrap()
}

/// Records `events`, checks that they are passed on, and that the run in memory is the same as its record.
/// Returns the warning.
async fn record(place: &Path, cells: &[&str], events: Vec<event::Event>) -> Option<String> {
    let mut recorder = Recorder::start(&start(cells), place, CancellationToken::new()).unwrap();
    let collected = Collected::start(&start(cells), Some(recorder.head()), Steps::Kept).unwrap();
    let (sender, received) = mpsc::channel(4);
    let mut passed_on = relay(Some(&mut recorder), Some(collected.clone()), received);
    let count = events.len();
    let sent = async move {
        for event in events {
            sender.send(event).await.unwrap();
        }
    };
    let counted = async {
        let mut counted = 0;
        while passed_on.recv().await.is_some() {
            counted += 1;
        }
        counted
    };
    assert_eq!(tokio::join!(sent, counted).1, count);
    let now = Timestamp::now();
    let warning = recorder.finish(1, now).await;
    assert_eq!(collected.finish(1, now), only(place).read_with_steps().unwrap());
    warning
}

#[tokio::test]
async fn a_run_is_read_back() {
    let at = tempfile::tempdir().unwrap();
    let place = at.path().join("state/runs");
    let failure = Box::new(crate::report::samples::exit_code());
    let pushed = Built { pushed: vec!["me/app:1".parse().unwrap()], ..Built::default() };
    let events = vec![
        event::Event::CellStarted { cell: "a".into() },
        step("a", StepState::Running),
        step("a", StepState::Running),
        log("a", "\x1b[31mred\x1b[0m"),
        log("a", "10%\r100%"),
        event::Event::CellStarted { cell: "b".into() },
        step("a", StepState::Failed { took: Duration::from_secs(1) }),
        finished("a", CellResult::Failed(failure)),
        finished("b", CellResult::Built(pushed)),
    ];
    assert_eq!(record(&place, &["a", "b", "c"], events).await, None);

    let entry = only(&place);
    let run = entry.read().unwrap();
    let totals = Totals { cells: 3, pushed: 1, failed: 1, ..Totals::default() };
    assert!(matches!(&run.state, State::Ended(end) if end.exit_code == 1 && end.totals == totals));
    assert_eq!((run.totals(), run.head.jobs), (totals, 4));
    assert!(run.cells["a"].started.is_some() && !run.cells["c"].started.is_some());
    let text = text_of(&entry, "a");
    let lines: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("> ")).map(|l| l.1).collect();
    assert_eq!(lines, ["red", "100%"], "{text}");
    assert!(text.contains("[amd64 3/9] RUN make") && text.contains("failed after"), "{text}");

    let file = fs::read_to_string(entry.directory.join("run.jsonl")).unwrap();
    assert_eq!(file.matches("\"type\":\"step\"").count(), 2, "{file}");
    let numbers = file.lines().skip(1).map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["seq"].as_u64().unwrap()
    });
    assert!(numbers.eq(1..file.lines().count() as u64));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    assert_eq!((mode(&entry.directory), mode(&entry.directory.join("logs"))), (0o700, 0o700));
    assert_eq!(mode(&entry.directory.join("run.jsonl")), 0o600);
    assert_eq!(mode(&entry.directory.join("logs/a.log.gz")), 0o600);
}

#[tokio::test]
async fn a_run_that_is_written_is_running_and_one_without_an_end_was_killed() {
    let at = tempfile::tempdir().unwrap();
    let mut recorder =
        Recorder::start(&start(&["a"]), at.path(), CancellationToken::new()).unwrap();
    let (sender, received) = mpsc::channel(4);
    let mut passed_on = relay(Some(&mut recorder), None, received);
    sender.send(event::Event::CellStarted { cell: "a".into() }).await.unwrap();
    sender.send(log("a", "hello")).await.unwrap();
    passed_on.recv().await.unwrap();
    let entry = only(at.path());
    // Within a second, what happened is in the files.
    let limit = Instant::now() + Duration::from_secs(20);
    let run = loop {
        let run = entry.read();
        if let Ok(run) = run
            && run.cells.get("a").is_some_and(|cell| cell.started.is_some())
            && text_of(&entry, "a").contains("> hello")
        {
            break run;
        }
        assert!(Instant::now() < limit, "nothing was written");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(run.state, State::Running);

    drop((sender, passed_on, recorder));
    let limit = Instant::now() + Duration::from_secs(20);
    while entry.read().unwrap().state == State::Running {
        assert!(Instant::now() < limit, "the thread did not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(entry.read().unwrap().state, State::Killed);
    // A torn line at any place is no error.
    let file = entry.directory.join("run.jsonl");
    let whole = fs::read(&file).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in first..whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(entry.read().unwrap().state, State::Killed, "{length}");
    }
    for length in 0..first - 1 {
        fs::write(&file, &whole[..length]).unwrap();
        assert!(entry.read().is_err(), "{length}");
    }
}

#[tokio::test]
async fn no_line_is_lost_however_fast_they_come() {
    let at = tempfile::tempdir().unwrap();
    let mut events = vec![event::Event::CellStarted { cell: "a".into() }];
    events.extend((0..100_000).map(|number| log("a", format!("line {number}"))));
    events.push(log("a", "x".repeat(4_096)));
    assert_eq!(record(at.path(), &["a"], events).await, None);
    let entry = only(at.path());
    let text = text_of(&entry, "a");
    let lines: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("> ")).map(|l| l.1).collect();
    assert_eq!(lines.len(), 100_001);
    assert!(
        lines[..100_000].iter().enumerate().all(|(number, line)| *line == format!("line {number}"))
    );
    assert_eq!(lines[100_000].len(), 4_096);
}

#[tokio::test]
async fn a_record_that_cannot_be_written_has_one_warning_and_the_run_goes_on() {
    let at = tempfile::tempdir().unwrap();
    let mut recorder =
        Recorder::start(&start(&["a"]), at.path(), CancellationToken::new()).unwrap();
    fs::remove_dir_all(recorder.directory()).unwrap();
    let (sender, received) = mpsc::channel(4);
    let mut passed_on = relay(Some(&mut recorder), None, received);
    let sent = async move {
        for number in 0..20_000 {
            sender.send(log("a", format!("{number} {}", "x".repeat(2_000)))).await.unwrap();
        }
    };
    let received = async { while passed_on.recv().await.is_some() {} };
    tokio::join!(sent, received);
    let why = recorder.finish(0, Timestamp::now()).await.unwrap();
    assert!(why.contains("removed") || why.contains("no such file"), "{why}");

    let file = at.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Recorder::start(&start(&[]), &file.join("runs"), CancellationToken::new()).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_accepts_nothing_ends_the_record_and_not_the_run() {
    for (cancelled, limit) in [(false, 30), (true, 1)] {
        let cancel = CancellationToken::new();
        let (mut recorder, unread) = Recorder::stuck(cancel.clone());
        let (sender, received) = mpsc::channel(4);
        let mut passed_on = relay(Some(&mut recorder), None, received);
        if cancelled {
            cancel.cancel();
        }
        let sent = async move {
            for _ in 0..20_000 {
                sender.send(log("a", "x".repeat(2_000))).await.unwrap();
            }
        };
        let received = async { while passed_on.recv().await.is_some() {} };
        let started = tokio::time::Instant::now();
        tokio::join!(sent, received);
        assert_eq!(started.elapsed().as_secs(), limit);
        let why = recorder.finish(0, Timestamp::now()).await.unwrap();
        assert_eq!(why, format!("the disk accepted nothing for {limit} s"));
        drop(unread);
    }
}

#[tokio::test]
async fn a_run_that_was_killed_before_its_record_began_leaves_nothing_to_the_next_one() {
    let at = tempfile::tempdir().unwrap();
    let killed = at.path().join("20261101T000000Z-0001");
    fs::create_dir_all(killed.join("logs")).unwrap();
    fs::write(killed.join("run.jsonl.new"), "{\"version\":1,").unwrap();
    assert!(entries(at.path()).unwrap()[0].read().is_err());
    assert_eq!(record(at.path(), &["a"], Vec::new()).await, None);
    assert!(only(at.path()).read().is_ok() && !killed.exists());
    let files = fs::read_dir(&only(at.path()).directory).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["logs", "run.jsonl"]);
}
