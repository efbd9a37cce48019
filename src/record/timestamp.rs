//! Points in time, as they are written in a record.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time, to the millisecond. It is written as in RFC 3339, in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp {
    /// Since 1970.
    millis: i64,
}

impl Timestamp {
    pub(crate) fn now() -> Self {
        SystemTime::now().into()
    }

    /// The time from `earlier` until this; zero if it is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis - earlier.millis).unwrap_or(0))
    }

    /// The time `earlier` before this.
    pub(crate) fn before(self, earlier: Duration) -> Self {
        Self { millis: self.millis.saturating_sub(i64::try_from(earlier.as_millis()).unwrap_or(0)) }
    }

    /// `20261128T181044Z`: sorts by time, and is a valid file name.
    pub(super) fn compact(self) -> String {
        let at = self.date();
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = (at.hour(), at.minute(), at.second());
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }

    /// Of its second.
    pub(super) fn milliseconds(self) -> i64 {
        self.millis.rem_euclid(1000)
    }

    /// A clock outside the years 1 to 9999 is wrong, and 1970 as good as any other time.
    fn date(self) -> OffsetDateTime {
        let nanos = i128::from(self.millis) * 1_000_000;
        let date = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
        date.filter(|date| (1..=9999).contains(&date.year())).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()),
            Err(before) => i64::try_from(before.duration().as_millis()).map(|millis| -millis),
        };
        Self { millis: millis.unwrap_or(0) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.date();
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second, millis) =
            (at.hour(), at.minute(), at.second(), at.millisecond());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl FromStr for Timestamp {
    type Err = time::error::Parse;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let nanos = OffsetDateTime::parse(text, &Rfc3339)?.unix_timestamp_nanos();
        Ok(Self { millis: i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(0) })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_to_the_millisecond_and_read_back() {
        for (millis, text, compact) in [
            (0, "1970-01-01T00:00:00.000Z", "19700101T000000Z"),
            (-1, "1969-12-31T23:59:59.999Z", "19691231T235959Z"),
            (1_795_889_444_120, "2026-11-28T18:10:44.120Z", "20261128T181044Z"),
            (i64::MAX, "1970-01-01T00:00:00.000Z", "19700101T000000Z"),
        ] {
            let time = Timestamp { millis };
            assert_eq!((time.to_string().as_str(), time.compact().as_str()), (text, compact));
            if millis != i64::MAX {
                assert_eq!(text.parse(), Ok(time));
            }
        }
        let other_zone: Timestamp = "2026-11-28T19:10:44.1209+01:00".parse().unwrap();
        assert_eq!(other_zone.to_string(), "2026-11-28T18:10:44.120Z");
        assert_eq!(Timestamp { millis: 5 }.since(Timestamp { millis: 7 }), Duration::ZERO);
    }
}
