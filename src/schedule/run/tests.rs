use std::sync::Mutex;

use tokio::sync::mpsc;

use super::*;
use crate::outcome::Built;

/// The behaviour of a fake cell, encoded in its name: `ok-3` takes 3 s, `bad-1` fails after 1 s.
#[derive(Default)]
struct Fake {
    running: Mutex<(usize, usize)>,
}

impl Fake {
    fn most_at_once(&self) -> usize {
        self.running.lock().unwrap().1
    }

    fn count(&self, change: isize) {
        let mut running = self.running.lock().unwrap();
        running.0 = running.0.checked_add_signed(change).unwrap();
        running.1 = running.1.max(running.0);
    }
}

impl Builder for Fake {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let (kind, seconds) = job.request.cell.split_once('-').unwrap();
        let work = tokio::time::sleep(Duration::from_secs(seconds.parse().unwrap()));
        self.count(1);
        let stopped = job.cancel.run_until_cancelled(work).await.is_none();
        self.count(-1);
        match kind {
            _ if stopped => CellResult::Cancelled,
            "ok" => CellResult::Built(Built::default()),
            "bad" => CellResult::Failed(Box::default()),
            "full" => CellResult::Failed(Box::new(Failure {
                kind: Kind::EngineDiskFull,
                ..Failure::default()
            })),
            _ => panic!("no such cell: {kind}"),
        }
    }
}

fn request(cell: &str) -> BuildRequest {
    let mut request = BuildRequest::sample(cell);
    request.delivery.references = vec![format!("image:{cell}").parse().unwrap()];
    request
}

struct Ran {
    outcomes: Vec<Outcome>,
    events: Vec<Event>,
    builder: Arc<Fake>,
    took: Duration,
}

impl Ran {
    /// Each cell and its result in one line.
    fn story(&self) -> String {
        let word = |o: &Outcome| match &o.result {
            CellResult::Built(_) => "built",
            CellResult::Failed(_) => "failed",
            CellResult::NotStarted(_) => "not started",
            CellResult::Cancelled => "cancelled",
        };
        let story = |o: &Outcome| format!("{} {} {}s", o.cell, word(o), o.elapsed.as_secs());
        self.outcomes.iter().map(story).collect::<Vec<_>>().join(", ")
    }

    fn started(&self) -> Vec<&str> {
        let mut cells = Vec::new();
        for event in &self.events {
            if let Event::CellStarted { cell } = event {
                cells.push(cell.as_ref());
            }
        }
        cells
    }
}

async fn ran(cells: &str, jobs: usize, fail_fast: bool, cancel_after: Option<u64>) -> Ran {
    let requests = cells.split(' ').map(request).collect();
    let builder = Arc::new(Fake::default());
    let (sender, mut receiver) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let options = Options { jobs: NonZeroUsize::new(jobs).unwrap(), fail_fast };
    if cancel_after == Some(0) {
        cancel.cancel();
    }
    let began = Instant::now();
    let run = run(requests, Arc::clone(&builder), options, sender, cancel.clone());
    let watch = async {
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(event);
        }
        events
    };
    let person = async {
        if let Some(seconds) = cancel_after {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            cancel.cancel();
        }
    };
    let (outcomes, events, ()) = tokio::join!(run, watch, person);
    Ran { outcomes, events, builder, took: began.elapsed() }
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_in_request_order_and_failures_do_not_stop_other_cells() {
    let ran = ran("ok-3 bad-1 ok-2", 2, false, None).await;
    assert_eq!(ran.story(), "ok-3 built 3s, bad-1 failed 1s, ok-2 built 2s");
    assert_eq!(ran.took.as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_concurrent_cells_is_limited() {
    let cells = ["ok-1"; 36].join(" ");
    for (jobs, seconds) in [(1, 36), (8, 5), (36, 1), (100, 1)] {
        let ran = ran(&cells, jobs, false, None).await;
        assert_eq!(ran.builder.most_at_once(), jobs.min(36));
        assert_eq!(ran.took.as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn fail_fast_cancels_running_cells_and_starts_no_others() {
    let ran = ran("ok-1 bad-2 ok-5 ok-1", 2, true, None).await;
    assert_eq!(
        ran.story(),
        "ok-1 built 1s, bad-2 failed 2s, ok-5 cancelled 1s, ok-1 not started 0s"
    );
    assert!(
        !ran.events.iter().any(|e| matches!(e, Event::Cancelling)),
        "there was no request to stop"
    );
}

#[tokio::test(start_paused = true)]
async fn no_cell_starts_after_one_found_the_disk_of_the_engine_full() {
    let ran = ran("full-1 ok-5 ok-1", 2, false, None).await;
    assert_eq!(ran.story(), "full-1 failed 1s, ok-5 built 5s, ok-1 not started 0s");
}

#[tokio::test(start_paused = true)]
async fn cancelling_takes_effect_at_once() {
    let ran = ran("ok-1 ok-9 ok-9", 1, false, Some(3)).await;
    assert_eq!(ran.story(), "ok-1 built 1s, ok-9 cancelled 2s, ok-9 cancelled 0s");
    assert_eq!(ran.events.iter().filter(|e| matches!(e, Event::Cancelling)).count(), 1);
    assert_eq!(ran.took.as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_before_it_begins_starts_no_cells() {
    let ran = ran("ok-1 ok-1", 2, false, Some(0)).await;
    assert_eq!(ran.story(), "ok-1 cancelled 0s, ok-1 cancelled 0s");
    assert!(ran.started().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_only_its_own_cell() {
    let ran = ran("strange-1 ok-2", 1, false, None).await;
    assert_eq!(ran.story(), "strange-1 failed 1s, ok-2 built 2s");
    let CellResult::Failed(failure) = &ran.outcomes[0].result else { panic!("not a failure") };
    assert_eq!(failure.message, "a bug in onebuild: no such cell: strange");
    assert!(failure.help.is_some());
}

#[tokio::test(start_paused = true)]
async fn events_begin_with_the_run_and_include_the_end_of_every_cell() {
    let ran = ran("ok-1 bad-2 ok-1", 1, true, None).await;
    let Event::RunStarted { cells, jobs } = &ran.events[0] else { panic!("{:?}", ran.events) };
    assert_eq!((cells.len(), *jobs), (3, 1));
    assert_eq!(ran.started(), ["ok-1", "bad-2"]);
    let ends = ran.events.iter().filter(|e| matches!(e, Event::CellFinished(_))).count();
    assert_eq!(ends, 3);
}

#[tokio::test(start_paused = true)]
async fn a_closed_display_does_not_affect_the_run() {
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let options = Options { jobs: NonZeroUsize::MIN, fail_fast: false };
    let requests = vec![request("ok-1"), request("ok-1")];
    let outcomes =
        run(requests, Arc::new(Fake::default()), options, sender, CancellationToken::new()).await;
    assert!(outcomes.iter().all(|o| matches!(o.result, CellResult::Built(_))));
}

/// Leaves its slot for 10 s, works for 1 s before and after that.
struct Pausing;

impl Builder for Pausing {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let second = || tokio::time::sleep(Duration::from_secs(1));
        second().await;
        job.slot.without(tokio::time::sleep(Duration::from_secs(10))).await;
        second().await;
        CellResult::Built(Built::default())
    }
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_waits_leaves_its_slot_to_others() {
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let options = Options { jobs: NonZeroUsize::MIN, fail_fast: false };
    let requests = vec![request("ok-1"), request("ok-2"), request("ok-3")];
    let began = Instant::now();
    let outcomes =
        run(requests, Arc::new(Pausing), options, sender, CancellationToken::new()).await;
    let seconds: Vec<u64> = outcomes.iter().map(|o| o.elapsed.as_secs()).collect();
    // Three cells work for one second each, and again when they return, one after the other.
    assert_eq!((began.elapsed().as_secs(), seconds), (14, vec![12, 12, 12]));
}
