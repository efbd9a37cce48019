//! How long a run waits for a lost engine.

use std::str::FromStr;
use std::time::Duration;

use super::smoke::TimeLimit;

/// The longest wait for a lost engine, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineWait(pub(crate) Option<TimeLimit>);

impl EngineWait {
    /// Zero if there is no wait.
    pub(crate) fn duration(self) -> Duration {
        self.0.map(TimeLimit::duration).unwrap_or_default()
    }
}

impl Default for EngineWait {
    fn default() -> Self {
        Self(TimeLimit::of_cell("2m").ok())
    }
}

impl FromStr for EngineWait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "0s" => Ok(Self(None)),
            _ => TimeLimit::of_cell(text).map(|limit| Self(Some(limit))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_a_time_or_none() {
        let parse = |text: &str| text.parse::<EngineWait>();
        assert_eq!(parse("2m").unwrap(), EngineWait::default());
        assert_eq!(parse("0s").unwrap().duration(), Duration::ZERO);
        assert!(parse("2").is_err());
    }
}
