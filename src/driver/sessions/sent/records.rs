//! The states in which files were announced. Pure.

use std::collections::BTreeMap;

use crate::context::FileState;

/// Every state of every file that was announced under one key.
///
/// Earlier states are kept with the last one: BuildKit may have several copies under one key, made by
/// builds that ran at the same time, and any of them may serve next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Records(pub(crate) BTreeMap<(Box<str>, Look), Version>);

/// What BuildKit compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Look {
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) permissions: u32,
}

/// What it cannot see: two contents with one look differ in this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) changed: i64,
    pub(crate) inode: u64,
}

impl Version {
    /// Of a file that looked like this more than once, or that may have changed unseen; equal to
    /// that of no file.
    pub(crate) const UNKNOWN: Self = Self { changed: i64::MIN, inode: 0 };
}

/// The longest tick of a kernel's clock. What is written twice within one has one change time.
const TICK: i64 = 10_000_000;
/// File systems that count seconds, or pairs of them.
const COARSE_TICK: i64 = 2_000_000_000;
const SECOND: i64 = 1_000_000_000;

impl Records {
    /// Adds what is announced at `now`, in nanoseconds since 1970.
    pub(crate) fn add(&mut self, path: &str, state: &FileState, now: i64) {
        let (look, mut version) = parts(state);
        if !is_settled(state.changed, now) {
            version = Version::UNKNOWN;
        }
        let known = self.0.entry((path.into(), look)).or_insert(version);
        if *known != version {
            *known = Version::UNKNOWN;
        }
    }

    /// Whether BuildKit would take a file for one that it has, and might be wrong. `state` is that of
    /// a path at present.
    pub(crate) fn is_deceptive(&self, state: impl Fn(&str) -> Option<FileState>) -> bool {
        let mut last: Option<(&str, Option<(Look, Version)>)> = None;
        self.0.iter().any(|((path, look), version)| {
            let found = match last {
                // The states of one file follow one another.
                Some((known, found)) if known == &**path => found,
                _ => state(path).as_ref().map(parts),
            };
            last = Some((path, found));
            found.is_some_and(|(now, current)| now == *look && current != *version)
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn parts(state: &FileState) -> (Look, Version) {
    let FileState { size, permissions, modified, changed, inode } = *state;
    (Look { size, modified, permissions }, Version { changed, inode })
}

/// Whether whatever changes the file from `now` on gives it another change time.
fn is_settled(changed: i64, now: i64) -> bool {
    let tick = if changed % SECOND == 0 { COARSE_TICK } else { TICK };
    changed.saturating_add(tick) <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: FileState =
        FileState { size: 7, permissions: 0o644, modified: 1, changed: 1_500, inode: 9 };
    const LATER: i64 = 60 * SECOND;

    fn records(states: &[FileState]) -> Records {
        let mut records = Records::default();
        states.iter().for_each(|state| records.add("a", state, LATER));
        records
    }

    #[test]
    fn what_looks_the_same_and_was_changed_deceives() {
        let known = records(&[STATE]);
        let present = |state: FileState| known.is_deceptive(|_| Some(state));
        for (what, state, deceives) in [
            ("nothing", STATE, false),
            ("content", FileState { changed: 1_501, ..STATE }, true),
            ("another file", FileState { inode: 10, ..STATE }, true),
            ("an older one", FileState { changed: 1_499, ..STATE }, true),
            // These BuildKit sees.
            ("size", FileState { size: 8, changed: 1_501, ..STATE }, false),
            ("time", FileState { modified: 2, changed: 1_501, ..STATE }, false),
            ("mode", FileState { permissions: 0o755, changed: 1_501, ..STATE }, false),
        ] {
            assert_eq!(present(state), deceives, "{what} differs");
        }
        assert!(!known.is_deceptive(|_| None), "it is gone, or no file");
    }

    #[test]
    fn any_state_that_was_announced_counts() {
        let grown = FileState { size: 8, changed: 1_501, ..STATE };
        let known = records(&[STATE, grown]);
        let back = FileState { changed: 1_502, ..STATE };
        assert!(known.is_deceptive(|_| Some(back)));
        assert!(!known.is_deceptive(|_| Some(grown)));
    }

    #[test]
    fn a_state_that_is_not_certain_is_trusted_no_more() {
        let changed = FileState { changed: 1_501, ..STATE };
        let in_one_run = records(&[STATE, changed]);
        assert!(in_one_run.is_deceptive(|_| Some(STATE)));
        assert!(in_one_run.is_deceptive(|_| Some(changed)));

        for (changed, now, settled) in [
            (SECOND + 1, SECOND + 1, false),
            (SECOND + 1, SECOND + TICK, false),
            (SECOND + 1, SECOND + 1 + TICK, true),
            // A clock that runs behind.
            (SECOND + 1, SECOND, false),
            // No fraction of a second: they may not be counted.
            (SECOND, SECOND + TICK, false),
            (SECOND, 3 * SECOND, true),
        ] {
            let mut known = Records::default();
            let state = FileState { changed, ..STATE };
            known.add("a", &state, now);
            assert_eq!(known.is_deceptive(|_| Some(state)), !settled, "{changed} at {now}");
        }
    }

    #[test]
    fn each_file_is_looked_at_once() {
        let mut known = records(&[STATE, FileState { size: 8, ..STATE }]);
        known.add("b", &STATE, LATER);
        let asked = std::cell::RefCell::new(Vec::new());
        let state = |path: &str| {
            asked.borrow_mut().push(path.to_owned());
            None
        };
        assert!(!known.is_deceptive(state));
        assert_eq!(asked.into_inner(), ["a", "b"]);
    }
}
