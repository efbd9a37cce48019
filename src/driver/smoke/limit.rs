//! The time limit of a test on its platform.

use std::fmt;
use std::time::Duration;

use crate::input::TimeLimit;

/// The factor for an emulated platform. With QEMU, a start takes three to four times as long.
const EMULATED: u32 = 4;

/// The limit of the matrix, and the factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SmokeLimit {
    allowed: TimeLimit,
    times: u32,
}

impl SmokeLimit {
    pub(crate) fn new(allowed: TimeLimit, is_emulated: bool) -> Self {
        Self { allowed, times: if is_emulated { EMULATED } else { 1 } }
    }

    pub(crate) fn duration(self) -> Duration {
        self.allowed.duration() * self.times
    }
}

/// `2m`, and `8m (2m × 4 for an emulated platform)`.
impl fmt::Display for SmokeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { allowed, times } = self;
        match times {
            1 => write!(f, "{allowed}"),
            _ => write!(
                f,
                "{} ({allowed} × {times} for an emulated platform)",
                allowed.times(*times)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulated_platform_has_four_times_the_limit() {
        for (allowed, is_emulated, seconds, shown) in [
            ("2m", false, 120, "2m"),
            ("2m", true, 480, "8m (2m × 4 for an emulated platform)"),
            ("50s", true, 200, "3m20s (50s × 4 for an emulated platform)"),
            ("1h", true, 14_400, "4h (1h × 4 for an emulated platform)"),
        ] {
            let limit = SmokeLimit::new(allowed.parse().unwrap(), is_emulated);
            assert_eq!(limit.duration(), Duration::from_secs(seconds));
            assert_eq!(limit.to_string(), shown);
        }
    }
}
