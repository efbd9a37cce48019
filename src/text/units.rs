//! Human-readable times, sizes and counts.

use std::time::Duration;

/// `1 cell`, `12 cells`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

/// `26ms`, `4.2s`, `41s`, `1m12s`, `2h05m`.
pub(crate) fn duration(time: Duration) -> String {
    let millis = time.as_millis();
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    // Rounded to tenths first, so that 9.96 s is `10s` and not `10.0s`.
    let tenths = (millis + 50) / 100;
    if tenths < 100 {
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    seconds(time + Duration::from_millis(500))
}

/// A running time in whole seconds: tenths that change at every redraw distract.
pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// A rough estimate with few digits: `15s`, `2m`, `1h20m`.
pub(crate) fn rough(time: Duration) -> String {
    let up_to = |step: u64, value: u64| value.div_ceil(step).max(1) * step;
    match time.as_secs() {
        seconds @ 0..=55 => format!("{}s", up_to(5, seconds)),
        seconds @ 56..=3_540 => format!("{}m", up_to(60, seconds) / 60),
        seconds => {
            let minutes = up_to(600, seconds) / 60;
            format!("{}h{:02}m", minutes / 60, minutes % 60)
        }
    }
}

/// How long ago something was: `just now`, `41 minutes ago`, `2 hours ago`, `3 days ago`.
pub(crate) fn ago(time: Duration) -> String {
    match time.as_secs() {
        0..60 => "just now".to_owned(),
        seconds @ 60..3_600 => counted(seconds as usize / 60, "minute") + " ago",
        seconds @ 3_600..86_400 => counted(seconds as usize / 3_600, "hour") + " ago",
        seconds => counted((seconds / 86_400) as usize, "day") + " ago",
    }
}

/// `512 B`, `31.0 MB`; decimal, as in registries and BuildKit.
pub(crate) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if value < 999.95 || unit == "TB" {
            return match unit {
                "B" => format!("{count} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1000.0;
    }
    unreachable!("the loop returns at its last unit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_few_digits() {
        for (millis, expected) in [
            (0, "0ms"),
            (26, "26ms"),
            (999, "999ms"),
            (1_000, "1.0s"),
            (4_240, "4.2s"),
            (9_949, "9.9s"),
            (9_960, "10s"),
            (41_000, "41s"),
            (59_600, "1m00s"),
            (72_000, "1m12s"),
            (3_599_600, "1h00m"),
            (7_500_000, "2h05m"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn estimates_are_rounded_up() {
        for (seconds, expected) in [
            (0, "5s"),
            (11, "15s"),
            (55, "55s"),
            (56, "1m"),
            (61, "2m"),
            (3_540, "59m"),
            (3_541, "1h00m"),
            (4_300, "1h20m"),
        ] {
            assert_eq!(rough(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn the_past_is_told_in_one_unit() {
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (86_399, "23 hours ago"),
            (86_400, "1 day ago"),
            (8_640_000, "100 days ago"),
        ] {
            assert_eq!(ago(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn sizes_are_decimal() {
        for (count, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (999_990, "1.0 MB"),
            (31_000_000, "31.0 MB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(bytes(count), expected);
        }
    }
}
