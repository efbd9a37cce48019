//! The output of a container, as lines with bounded memory.

use crate::driver::tail::Tail;
use crate::input::Retry;

/// Bytes of a line; the rest is cut off.
const MAX_LINE: usize = 4 << 10;
/// Bytes of each container that are shown while it runs.
const MAX_SHOWN: usize = 1 << 20;

/// The lines of one container.
#[derive(Debug, Default)]
pub(crate) struct SmokeLog {
    line: Vec<u8>,
    /// Bytes shown so far.
    shown: usize,
    tail: Tail,
    retry: Retry,
    /// The first pattern of `retry` in a line.
    pattern: Option<String>,
}

impl SmokeLog {
    /// Looks for the patterns of `retry` in the output.
    pub(crate) fn new(retry: Retry) -> Self {
        Self { retry, ..Self::default() }
    }

    /// Adds output, and returns the lines to show that it completes.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut parts = piece.split(|byte| *byte == b'\n');
        // The last part is an incomplete line.
        let last = parts.next_back().unwrap_or_default();
        for part in parts {
            self.extend(part);
            lines.extend(self.end());
        }
        self.extend(last);
        lines
    }

    /// Ends the incomplete line, if there is one.
    pub(crate) fn finish(&mut self) -> Option<String> {
        if self.line.is_empty() { None } else { self.end() }
    }

    /// The last lines, oldest first.
    pub(crate) fn tail(&self) -> Vec<String> {
        self.tail.lines()
    }

    /// The first pattern of `retry: when` in the output.
    pub(crate) fn retry_pattern(&self) -> Option<String> {
        self.pattern.clone()
    }

    fn extend(&mut self, part: &[u8]) {
        let free = MAX_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(free)]);
    }

    fn end(&mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        if self.pattern.is_none() {
            self.pattern = self.retry.pattern_in(&line).map(str::to_owned);
        }
        self.tail.push(line.clone());
        let before = self.shown;
        self.shown = before.saturating_add(line.len() + 1);
        match () {
            () if self.shown <= MAX_SHOWN => Some(line),
            () if before <= MAX_SHOWN => {
                Some("… more than 1 MiB: the rest is not shown".to_owned())
            }
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_split_into_lines() {
        let mut log = SmokeLog::default();
        assert_eq!(log.push(b"a"), [""; 0]);
        assert_eq!(log.push(b"b\n\nc\xff\nd"), ["ab", "", "c\u{fffd}"]);
        assert_eq!(log.finish().as_deref(), Some("d"));
        assert_eq!(log.finish(), None);
        assert_eq!(log.tail(), ["ab", "", "c\u{fffd}", "d"]);
    }

    #[test]
    fn long_output_is_cut_and_its_last_lines_are_stored() {
        let mut log = SmokeLog::default();
        let (mut shown, mut bytes) = (Vec::new(), 0);
        for number in 0..1_000 {
            let lines = log.push(format!("{}{number}\n", "x".repeat(2_000)).as_bytes());
            bytes += lines.iter().map(String::len).sum::<usize>();
            shown.extend(lines);
        }
        assert!(bytes <= MAX_SHOWN + MAX_LINE, "{bytes}");
        assert!(shown.last().unwrap().contains("not shown"));
        assert_eq!(shown.iter().filter(|line| line.contains("not shown")).count(), 1);
        assert_eq!(log.tail().len(), Tail::LINES);
        assert!(log.tail()[Tail::LINES - 1].ends_with("999"));
        log.push(&vec![b'x'; 1 << 20]);
        log.push(b"\n");
        assert_eq!(log.tail()[Tail::LINES - 1].len(), MAX_LINE);
    }
}
