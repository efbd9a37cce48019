//! Which hosts ask their clients to wait, and which do not answer. Shared by all cells of a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::time::{Instant, sleep};

use crate::failure::RegistryFault;

/// How long to skip a host that failed all attempts.
const SKIP_DURATION: Duration = Duration::from_secs(60);

/// No gate is closed for longer, whatever the host asks for.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// One gate for each registry host. A host that sends `Retry-After` closes its gate, for requests of
/// this program and for builds that push to it.
#[derive(Debug, Clone, Default)]
pub struct Gates(Arc<Mutex<HashMap<String, Gate>>>);

/// The state of a host. By default, it is open.
#[derive(Debug, Default)]
struct Gate {
    /// Until when it asks its clients to wait, and its answer.
    closed: Option<(Instant, RegistryFault)>,
    /// Until when requests to it fail at once, and why: it did not answer.
    down: Option<(Instant, RegistryFault)>,
}

impl Gates {
    /// Closes the gate of `host` for `wait`, which it asked for with `fault`.
    pub(crate) fn close(&self, host: &str, wait: Duration, fault: RegistryFault) {
        let until = Instant::now() + wait.min(LONGEST);
        let mut gates = self.lock();
        let gate = gates.entry(key(host)).or_default();
        if gate.closed.as_ref().is_none_or(|(old, _)| *old < until) {
            gate.closed = Some((until, fault));
        }
    }

    /// How long `host` still asks its clients to wait, and its answer.
    pub(crate) fn wait(&self, host: &str) -> Option<(Duration, RegistryFault)> {
        remaining(self.lock().get(&key(host))?.closed.as_ref())
    }

    /// Waits until requests to `host` are allowed.
    pub(crate) async fn pass(&self, host: &str) {
        // Another cell may close the gate again meanwhile.
        while let Some((wait, _)) = self.wait(host) {
            sleep(wait).await;
        }
    }

    /// Requests to `host` fail at once with `fault` for a while.
    pub(super) fn skip(&self, host: &str, fault: RegistryFault) {
        self.lock().entry(key(host)).or_default().down =
            Some((Instant::now() + SKIP_DURATION, fault));
    }

    /// Why requests to `host` fail at once.
    pub(super) fn skipped(&self, host: &str) -> Option<RegistryFault> {
        Some(remaining(self.lock().get(&key(host))?.down.as_ref())?.1)
    }

    /// Sends the next request to `host`, even if it did not answer before.
    pub(crate) fn try_again(&self, host: &str) {
        if let Some(gate) = self.lock().get_mut(&key(host)) {
            gate.down = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Gate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remaining(state: Option<&(Instant, RegistryFault)>) -> Option<(Duration, RegistryFault)> {
    let (until, fault) = state?;
    let wait = until.saturating_duration_since(Instant::now());
    (!wait.is_zero()).then(|| (wait, fault.clone()))
}

/// The host in the URL of a request, as references name it.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// One name for each host.
fn key(host: &str) -> String {
    match host {
        "docker.io" | "index.docker.io" => "registry-1.docker.io".to_owned(),
        other => other.strip_suffix(":443").unwrap_or(other).to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited() -> RegistryFault {
        RegistryFault::RateLimited { wait: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_stays_closed_as_long_as_the_host_asked() {
        let gates = Gates::default();
        gates.close("r.example:443", Duration::from_secs(20), limited());
        gates.close("r.example", Duration::from_secs(5), limited());
        assert_eq!(gates.wait("R.example"), Some((Duration::from_secs(20), limited())));
        assert_eq!(gates.wait("s.example"), None);
        let before = Instant::now();
        let longer = async {
            sleep(Duration::from_secs(10)).await;
            gates.close("r.example", Duration::from_secs(30), limited());
        };
        tokio::join!(gates.pass("r.example"), longer);
        assert_eq!(before.elapsed().as_secs(), 40);
        assert_eq!(gates.wait("r.example"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_did_not_answer_is_skipped_until_a_cell_tries_again() {
        let gates = Gates::default();
        gates.skip("docker.io", RegistryFault::TimedOut);
        assert_eq!(gates.skipped("registry-1.docker.io"), Some(RegistryFault::TimedOut));
        gates.try_again("index.docker.io");
        assert_eq!(gates.skipped("docker.io"), None);
        gates.skip("docker.io", RegistryFault::TimedOut);
        sleep(SKIP_DURATION).await;
        assert_eq!(gates.skipped("docker.io"), None);
    }

    #[test]
    fn the_host_of_a_url_is_that_of_references() {
        for (url, host) in [
            ("https://r.example/v2/", "r.example"),
            ("http://127.0.0.1:5000/v2/", "127.0.0.1:5000"),
            ("https://r.example:443/v2/", "r.example"),
            ("https://[::1]:5000/", "[::1]:5000"),
        ] {
            assert_eq!(host_of(&Url::parse(url).unwrap()), host);
        }
    }
}
