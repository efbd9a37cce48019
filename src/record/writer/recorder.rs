//! The side of the run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::collected::Collected;
use super::directory::{NotStarted, Start};
use super::lost::Lost;
use super::thread::{Item, Writer};
use crate::event::Event;
use crate::record::event::RunHead;
use crate::record::log::LOGS;
use crate::record::timestamp::Timestamp;

/// Bytes of events that may wait to be written. BuildKit forwards at most 200 KB per step and second.
const ROOM: usize = 8 << 20;

/// Size of an event without its strings, in bytes.
const EVENT: usize = 256;

/// How long the disk may accept nothing while events wait, before recording stops.
const DISK_TIMEOUT: Duration = Duration::from_secs(30);

/// The same after the user asked to stop.
const LAST_TIMEOUT: Duration = Duration::from_secs(1);

/// Records one run.
#[derive(Debug)]
pub(crate) struct Recorder {
    directory: PathBuf,
    head: RunHead,
    queue: Queue,
    relay: Option<JoinHandle<()>>,
}

/// What goes to the thread that writes.
#[derive(Debug, Clone)]
struct Queue {
    items: blocking::Sender<Item>,
    /// Closed when recording stops.
    room: Arc<Semaphore>,
    lost: Lost,
    cancel: CancellationToken,
}

impl Recorder {
    /// Creates the directory of the run, and starts the thread. `cancel` fires when the user asks to stop.
    pub(crate) fn start(
        start: &Start,
        place: &Path,
        cancel: CancellationToken,
    ) -> Result<Self, NotStarted> {
        let created = start.create(place)?;
        let (directory, head) = (created.path.clone(), created.head.clone());
        let (items, received) = blocking::channel();
        let (room, lost) = (Arc::new(Semaphore::new(ROOM)), Lost::default());
        let writer = Writer::new(created, start, room.clone(), lost.clone());
        let thread = std::thread::Builder::new().name("record".to_owned());
        // It ends with the queue, and otherwise with the program.
        thread.spawn(move || writer.run(&received))?;
        Ok(Self { directory, head, queue: Queue { items, room, lost, cancel }, relay: None })
    }

    /// A recorder whose items nobody writes, as if the disk accepted nothing.
    #[cfg(test)]
    pub(super) fn stuck(cancel: CancellationToken) -> (Self, blocking::Receiver<Item>) {
        let (items, received) = blocking::channel();
        let (room, lost) = (Arc::new(Semaphore::new(ROOM)), Lost::default());
        let queue = Queue { items, room, lost, cancel };
        let head = crate::record::event::samples::head("");
        (Self { directory: PathBuf::new(), head, queue, relay: None }, received)
    }

    /// The directory of the run.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The first line of the record.
    pub(crate) fn head(&self) -> &RunHead {
        &self.head
    }

    /// The directory of its logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.directory.join(LOGS)
    }

    /// Records that the run, whose events have ended, ended at `time`. Returns why the record is not complete, if
    /// it is not.
    pub(crate) async fn finish(self, exit_code: u8, time: Timestamp) -> Option<String> {
        let Self { queue, relay, .. } = self;
        let last = async {
            if let Some(relay) = relay {
                let _ = relay.await;
            }
            if queue.lost.get().is_some() {
                return;
            }
            let (done, written) = oneshot::channel();
            let end = Item::End { exit_code, time, done };
            let _ = queue.items.send(end);
            let _ = written.await;
        };
        let limit = tokio::select! {
            () = last => return queue.lost.get(),
            limit = queue.too_long() => limit,
        };
        queue.lost.set(|| silent(limit));
        queue.lost.get()
    }
}

/// Passes `events` on, after they were recorded and collected.
pub(crate) fn relay(
    recorder: Option<&mut Recorder>,
    collected: Option<Collected>,
    mut events: mpsc::Receiver<Event>,
) -> mpsc::Receiver<Event> {
    if recorder.is_none() && collected.is_none() {
        return events;
    }
    let (sender, passed_on) = mpsc::channel(events.max_capacity());
    let queue = recorder.as_ref().map(|recorder| recorder.queue.clone());
    let relay = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let time = Timestamp::now();
            if let Some(collected) = &collected {
                collected.add(time, &event);
            }
            if let Some(queue) = &queue {
                queue.push(&event, time).await;
            }
            // A closed display does not stop the run.
            let _ = sender.send(event).await;
        }
    });
    if let Some(recorder) = recorder {
        recorder.relay = Some(relay);
    }
    passed_on
}

impl Queue {
    /// Waits until there is room for `event`, as long as the disk accepts anything at all.
    async fn push(&self, event: &Event, time: Timestamp) {
        let cost = (EVENT + size(event)).min(ROOM);
        let cost = u32::try_from(cost).expect("the room is smaller");
        if self.has_room(cost).await {
            let (event, at) = (Box::new(event.clone()), Instant::now());
            let item = Item::Event { event, at, time, cost };
            let _ = self.items.send(item);
        }
    }

    /// Takes room for `cost`; `false` if recording has stopped.
    async fn has_room(&self, cost: u32) -> bool {
        if let Ok(room) = self.room.try_acquire_many(cost) {
            room.forget();
            return true;
        }
        let limit = tokio::select! {
            room = self.room.acquire_many(cost) => {
                return room.map(|room| room.forget()).is_ok();
            }
            limit = self.too_long() => limit,
        };
        self.lost.set(|| silent(limit));
        self.room.close();
        false
    }

    /// Waits as long as the disk may accept nothing, and returns that time.
    async fn too_long(&self) -> Duration {
        let asked = async {
            self.cancel.cancelled().await;
            sleep(LAST_TIMEOUT).await;
        };
        tokio::select! {
            () = sleep(DISK_TIMEOUT) => DISK_TIMEOUT,
            () = asked => LAST_TIMEOUT,
        }
    }
}

fn silent(limit: Duration) -> String {
    format!("the disk accepted nothing for {} s", limit.as_secs())
}

/// The size of the strings of an event that may be long.
fn size(event: &Event) -> usize {
    match event {
        Event::Log { line, .. } => line.len(),
        Event::Step { step, .. } => step.name.len(),
        Event::Transfer { transfer, .. } => transfer.name.len(),
        Event::Warning { warning, .. } => warning.message.len(),
        _ => 0,
    }
}
