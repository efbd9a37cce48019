//! What a container writes, in lines that cannot fill the memory.

use std::collections::VecDeque;

/// Bytes of a line; what is beyond is cut.
const LINE: usize = 4 << 10;
/// Bytes that are shown as they come, of each container.
const SHOWN: usize = 1 << 20;
/// How many of the last lines are remembered, in case it fails.
const TAIL: usize = 20;

/// The lines of one container.
#[derive(Debug, Default)]
pub(crate) struct Log {
    line: Vec<u8>,
    /// Bytes that have been shown.
    shown: usize,
    tail: VecDeque<String>,
}

impl Log {
    /// Takes a piece, and gives the lines to show that it completes.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut parts = piece.split(|byte| *byte == b'\n');
        // The last part is a line whose end has not come.
        let last = parts.next_back().unwrap_or_default();
        for part in parts {
            self.extend(part);
            lines.extend(self.end());
        }
        self.extend(last);
        lines
    }

    /// Ends the line that has no end, if there is one.
    pub(crate) fn finish(&mut self) -> Option<String> {
        if self.line.is_empty() { None } else { self.end() }
    }

    /// The last lines, oldest first.
    pub(crate) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    fn extend(&mut self, part: &[u8]) {
        let room = LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end(&mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        let before = self.shown;
        self.shown = before.saturating_add(line.len() + 1);
        match () {
            () if self.shown <= SHOWN => Some(line),
            () if before <= SHOWN => Some("… more than 1 MiB: the rest is not shown".to_owned()),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines() {
        let mut log = Log::default();
        assert_eq!(log.push(b"a"), [""; 0]);
        assert_eq!(log.push(b"b\n\nc\xff\nd"), ["ab", "", "c\u{fffd}"]);
        assert_eq!(log.finish().as_deref(), Some("d"));
        assert_eq!(log.finish(), None);
        assert_eq!(log.tail(), ["ab", "", "c\u{fffd}", "d"]);
    }

    #[test]
    fn a_flood_is_cut_and_its_end_is_remembered() {
        let mut log = Log::default();
        let (mut shown, mut bytes) = (Vec::new(), 0);
        for number in 0..1_000 {
            let lines = log.push(format!("{}{number}\n", "x".repeat(2_000)).as_bytes());
            bytes += lines.iter().map(String::len).sum::<usize>();
            shown.extend(lines);
        }
        assert!(bytes <= SHOWN + LINE, "{bytes}");
        assert!(shown.last().unwrap().contains("not shown"));
        assert_eq!(shown.iter().filter(|line| line.contains("not shown")).count(), 1);
        assert_eq!(log.tail().len(), TAIL);
        assert!(log.tail()[TAIL - 1].ends_with("999"));
        log.push(&vec![b'x'; 1 << 20]);
        log.push(b"\n");
        assert_eq!(log.tail()[TAIL - 1].len(), LINE);
    }
}
