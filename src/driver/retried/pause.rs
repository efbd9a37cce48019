//! The wait before the next attempt.

use std::time::Duration;

use tokio::time::sleep;

use crate::event::Event;
use crate::registry::Gates;
use crate::schedule::Job;

/// The shortest wait.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest wait, unless a registry asks for more.
const LONGEST: Duration = Duration::from_secs(60);
/// By how much the longest possible wait grows with each attempt.
const GROWTH: u32 = 4;

/// A registry that asks for a longer wait is not asked again in this run.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// How long `host` asks to wait, if that is too long for another attempt in this run.
pub(crate) fn too_long(gates: &Gates, host: &str) -> Option<Duration> {
    gates.wait(host).map(|(wait, _)| wait).filter(|wait| *wait > LONGEST_WAIT)
}

/// Sends the event that `retrying` makes of the wait, and waits without a slot: a random time, and at least
/// as long as `host` asks for. Returns `None` if the job was cancelled meanwhile.
pub(crate) async fn pause(
    job: &Job<'_>,
    gates: &Gates,
    host: Option<&str>,
    number: u32,
    retrying: impl FnOnce(Duration) -> Event,
) -> Option<()> {
    let random = backoff(number, random_fraction());
    let asked = host.and_then(|host| gates.wait(host)).map(|(wait, _)| wait).unwrap_or_default();
    let wait = async {
        if let Some(host) = host {
            gates.pass(host).await;
        }
        // After the gate, so that the cells behind it do not all begin at the same moment.
        sleep(random).await;
    };
    pause_until(job, wait, retrying(random + asked)).await?;
    if let Some(host) = host {
        gates.try_again(host);
    }
    Some(())
}

/// Sends `retrying`, and waits for `end` without a slot. Returns `None` if the job was cancelled meanwhile.
pub(super) async fn pause_until<T>(
    job: &Job<'_>,
    end: impl Future<Output = T>,
    retrying: Event,
) -> Option<T> {
    // A closed display does not stop the build.
    let _ = job.events.send(retrying).await;
    let ended = job.cancel.run_until_cancelled(job.slot.without(end)).await?;
    let _ = job.events.send(Event::Resumed { cell: job.request.cell.clone() }).await;
    Some(ended)
}

/// The wait before attempt `number`, from 1, for a random `fraction` from 0 to 1.
fn backoff(number: u32, fraction: f64) -> Duration {
    let most = SHORTEST.saturating_mul(GROWTH.saturating_pow(number)).min(LONGEST);
    SHORTEST + (most - SHORTEST).mul_f64(fraction)
}

/// From 0 to 1.
fn random_fraction() -> f64 {
    // Without random numbers, the cells wait equally long.
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_up_to_a_limit_that_grows() {
        let seconds = |number, fraction| backoff(number, fraction).as_secs();
        for (number, longest) in [(1, 4), (2, 16), (3, 60), (4, 60), (u32::MAX, 60)] {
            assert_eq!((seconds(number, 0.0), seconds(number, 1.0)), (1, longest));
        }
        assert!((0.0..=1.0).contains(&random_fraction()));
    }
}
