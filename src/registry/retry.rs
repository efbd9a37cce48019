//! When to retry a request, and how long to wait before.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use tokio::time::sleep;

use crate::failure::RegistryFault;

/// Time limits and retries for requests to registries.
#[derive(Debug, Clone)]
pub struct Patience {
    /// Total number of attempts, at least one.
    pub tries: u32,
    /// Before the second attempt; doubled before each further one.
    pub first_delay: Duration,
    /// If a registry asks for a longer wait, the request fails, and the cell waits without a slot.
    pub longest_delay: Duration,
    /// For connecting, including TLS.
    pub connect: Duration,
    /// Until the answer begins, and between its parts.
    pub silence: Duration,
    /// From the first byte sent to the last byte read, for each attempt.
    pub exchange: Duration,
    /// For one request, including login, redirects and all attempts.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 4,
            first_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(5),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(15),
            exchange: Duration::from_secs(60),
            total: Duration::from_secs(75),
        }
    }
}

impl Patience {
    /// Waits before the attempt after `attempt`, counted from one; returns `fault` if there is
    /// none. The gate of the host is closed as long as the host `asked` for.
    pub(super) async fn wait(
        &self,
        attempt: u32,
        fault: RegistryFault,
        asked: Option<Duration>,
    ) -> Result<(), RegistryFault> {
        if !fault.is_temporary()
            || attempt >= self.tries
            || asked.is_some_and(|asked| asked > self.longest_delay)
        {
            return Err(fault);
        }
        if asked.is_none() {
            sleep(self.delay(attempt)).await;
        }
        Ok(())
    }

    fn delay(&self, attempt: u32) -> Duration {
        let doubled = self.first_delay.saturating_mul(1 << (attempt - 1).min(16));
        doubled.min(self.longest_delay)
    }
}

/// The wait that a `Retry-After` header requests, in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())])
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (text, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&header(text)), expected, "{text}");
        }
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let wait = retry_after(&header(&date)).unwrap().as_secs();
        assert!((90..=100).contains(&wait), "{wait}");
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn delays_double_up_to_the_limit() {
        let patience = Patience { longest_delay: Duration::from_secs(1), ..Patience::default() };
        let delays = [1, 2, 3, 4, 60].map(|attempt| patience.delay(attempt).as_millis());
        assert_eq!(delays, [250, 500, 1000, 1000, 1000]);
    }
}
