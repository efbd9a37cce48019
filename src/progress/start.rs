//! The loop that passes events to a display.

use std::io::{self, Write};
use std::time::Instant;

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;

use super::display::Display;
use super::github::Github;
use super::plain::Plain;
use super::queue::{Batch, Queue};
use super::quiet::Quiet;
use super::settings::{DisplaySettings, Mode};
use super::tty::Tty;
use crate::event::Event;
use crate::text::safe;

/// Shows `head` and then `events` on `out` until their senders are gone.
///
/// The display runs on a thread for blocking work. `events` are received at once, even if `out` is
/// slow. Await the handle before you print anything.
pub(crate) fn start<W>(
    settings: DisplaySettings,
    mut out: W,
    head: String,
    mut events: Receiver<Event>,
) -> JoinHandle<io::Result<()>>
where
    W: Write + Send + 'static,
{
    let queue = Queue::default();
    let taking = queue.clone();
    tokio::spawn(async move {
        // Closed even if this task is dropped with its runtime.
        let queue = CloseOnDrop(queue);
        while let Some(event) = events.recv().await {
            queue.0.push(event);
        }
    });
    tokio::task::spawn_blocking(move || {
        let begun = out.write_all(settings.paint.shown(&safe(&head)).as_bytes());
        match settings.resolved() {
            Mode::Tty => show(begun, Tty::new(settings, out), &taking),
            Mode::Quiet | Mode::Json => show(begun, Quiet, &taking),
            Mode::Github => show(begun, Github::new(settings.paint, out), &taking),
            Mode::Plain | Mode::Auto => show(begun, Plain::new(settings.paint, out), &taking),
        }
    })
}

struct CloseOnDrop(Queue);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn show(begun: io::Result<()>, mut display: impl Display, queue: &Queue) -> io::Result<()> {
    let mut broken = begun;
    loop {
        let pulse = display.pulse().filter(|_| broken.is_ok());
        let batch = queue.take(pulse);
        let is_last = batch.is_last;
        if broken.is_ok() {
            broken = draw(&mut display, batch);
        }
        if is_last {
            break;
        }
    }
    broken.and_then(|()| display.end())
}

fn draw(display: &mut impl Display, batch: Batch) -> io::Result<()> {
    let now = Instant::now();
    batch.events.iter().try_for_each(|event| display.event(event, now))?;
    if batch.dropped > 0 {
        display.dropped(batch.dropped, now)?;
    }
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
    async fn a_display_with_a_closed_output_still_receives_events() {
        for mode in [Mode::Plain, Mode::Github, Mode::Tty] {
            let settings = DisplaySettings {
                mode,
                paint: Default::default(),
                is_terminal: true,
                is_github: false,
                size: || None,
            };
            let (sender, receiver) = mpsc::channel(1);
            let shown = start(settings, Broken, String::new(), receiver);
            for _ in 0..5 {
                sender.send(Event::Cancelling).await.unwrap();
                let run = Event::RunStarted { cells: [].into(), jobs: 1 };
                sender.send(run).await.unwrap();
            }
            drop(sender);
            let error = shown.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{mode:?}");
        }
    }

    /// A terminal that was stopped.
    struct Stuck(std::sync::mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_stopped_terminal_does_not_block_the_run() {
        let paint = Default::default();
        let settings = DisplaySettings {
            mode: Mode::Plain,
            paint,
            is_terminal: true,
            is_github: false,
            size: || None,
        };
        let (sender, receiver) = mpsc::channel(1);
        let (unstick, stuck) = std::sync::mpsc::channel();
        let shown = start(settings, Stuck(stuck), "head\n".to_owned(), receiver);
        for number in 0..50_000 {
            let line = format!("{number} {}", "x".repeat(1000));
            let event = Event::Log { cell: "v1".into(), step: crate::event::StepId(1), line };
            sender.send(event).await.unwrap();
        }
        assert!(!shown.is_finished());
        drop((sender, unstick));
        shown.await.unwrap().unwrap();
    }
}
