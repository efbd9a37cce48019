//! The loop that feeds a display.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::plain::Plain;
use super::quiet::Quiet;
use super::settings::{Mode, Settings};
use super::tty::Tty;
use crate::event::Event;

/// Events taken at once; a display is drawn once for all of them.
const BATCH: usize = 256;

/// A way of showing events. `now` is handed in so that tests own the clock.
pub(super) trait Display {
    /// How often it is drawn when nothing happens; none for one that only reacts.
    fn pulse(&self) -> Option<Duration> {
        None
    }

    /// Takes notice of `event`.
    fn event(&mut self, event: &Event, now: Instant) -> io::Result<()>;

    /// Shows what it took notice of.
    fn flush(&mut self, now: Instant) -> io::Result<()>;

    /// Leaves the screen as whoever prints next expects it.
    fn end(&mut self) -> io::Result<()>;
}

/// Shows `events` on `out` until their senders are gone.
///
/// It runs on a thread for blocking work: a terminal that was stopped with Ctrl-S must not stop
/// the answers to the engine's health checks. Await the handle before you print anything.
pub fn start<W>(settings: Settings, out: W, events: Receiver<Event>) -> JoinHandle<io::Result<()>>
where
    W: Write + Send + 'static,
{
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || match settings.resolved() {
        Mode::Tty => handle.block_on(show(Tty::new(settings, out), events)),
        Mode::Quiet => handle.block_on(show(Quiet, events)),
        Mode::Plain | Mode::Auto => handle.block_on(show(Plain::new(settings.paint, out), events)),
    })
}

async fn show(mut display: impl Display, mut events: Receiver<Event>) -> io::Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut broken = Ok(());
    loop {
        let more = events.recv_many(&mut batch, BATCH);
        let taken = match display.pulse() {
            Some(pulse) if broken.is_ok() => timeout(pulse, more).await.ok(),
            _ => Some(more.await),
        };
        if broken.is_ok() {
            broken = draw(&mut display, &batch);
        }
        batch.clear();
        if taken == Some(0) {
            break;
        }
    }
    broken.and_then(|()| display.end())
}

fn draw(display: &mut impl Display, batch: &[Event]) -> io::Result<()> {
    let now = Instant::now();
    batch.iter().try_for_each(|event| display.event(event, now))?;
    display.flush(now)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_display_whose_output_went_away_goes_on_taking_events() {
        for mode in [Mode::Plain, Mode::Tty] {
            let settings =
                Settings { mode, paint: Default::default(), is_terminal: true, size: || None };
            let (sender, receiver) = mpsc::channel(1);
            let shown = start(settings, Broken, receiver);
            for _ in 0..5 {
                sender.send(Event::Cancelling).await.unwrap();
                let run = Event::RunStarted { cells: Vec::new(), jobs: 1 };
                sender.send(run).await.unwrap();
            }
            drop(sender);
            let error = shown.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{mode:?}");
        }
    }
}
