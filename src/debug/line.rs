//! Formats an event as one line: time, target, message, fields.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::{hidden, shown};
use crate::text::clean;

/// Maximum length of a value in characters.
const MAX_VALUE: usize = 1000;

/// Number of characters to search for secrets before a value is truncated.
const MAX_SEARCHED: usize = 64 * 1024;

/// The line of `event`, including its line ending.
pub(super) fn line(event: &Event<'_>, now: SystemTime) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let level = match *event.metadata().level() {
        Level::ERROR => "error ",
        Level::WARN => "warning ",
        _ => "",
    };
    let Fields { message, rest } = fields;
    let target = event.metadata().target();
    format!("{} {target:<11} {level}{message}{rest}\n", utc(now))
}

/// `text` on one line, truncated, without control characters and secrets.
pub(super) fn safe(text: &str) -> String {
    let text = hidden::without(clean(text, MAX_SEARCHED));
    clean(&shown::urls(&text), MAX_VALUE)
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: String,
}

impl Fields {
    fn add(&mut self, field: &Field, value: &str) {
        let value = safe(value);
        if field.name() == "message" {
            self.message = value;
            return;
        }
        let plain = !value.is_empty() && !value.contains([' ', '"', '\\', '=']);
        // Writing to a string does not fail.
        let _ = match plain {
            true => write!(self.rest, " {}={value}", field.name()),
            false => write!(self.rest, " {}={value:?}", field.name()),
        };
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }
}

/// `2026-11-28T04:44:22.123Z`. A clock before 1970 counts as 1970.
fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_millis()
    )
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// Source: `civil_from_days` in <https://howardhinnant.github.io/date_algorithms.html>
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        for (milliseconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_007, "2000-03-01T00:00:00.007Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn a_value_is_one_visible_line_of_limited_length() {
        assert_eq!(safe("a\n\u{1b}[31mb\r\nc\0"), "a b c");
        assert_eq!(safe("x\n::error::y ##[group]z"), "x ::error::y ## [group]z");
        assert_eq!(safe(&"x".repeat(5000)).chars().count(), MAX_VALUE);
    }
}
