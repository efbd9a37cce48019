//! The announced states of files. Pure.

use std::collections::BTreeMap;

use crate::context::FileState;

/// Every announced state of every file under one key.
///
/// Includes earlier states: concurrent builds may have left several copies under one key, and BuildKit
/// may use any of them next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Records(pub(crate) BTreeMap<(Box<str>, Look), Version>);

/// The properties that BuildKit compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Look {
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) permissions: u32,
}

/// What BuildKit cannot see: differs for two contents with the same look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) changed: i64,
    pub(crate) inode: u64,
}

impl Version {
    /// For a file that had this look with several versions, or that may have changed unnoticed. Never
    /// equal to a real version.
    pub(crate) const UNKNOWN: Self = Self { changed: i64::MIN, inode: 0 };
}

/// The longest tick of a kernel's clock. Two writes within one tick have the same change time.
const TICK: i64 = 10_000_000;
/// For file systems with a resolution of one or two seconds.
const COARSE_TICK: i64 = 2_000_000_000;
const SECOND: i64 = 1_000_000_000;

impl Records {
    /// Adds a state announced at `now`, in nanoseconds since 1970.
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

    /// Whether BuildKit might mistake a changed file for its copy. `state` returns the current state of
    /// a path.
    pub(crate) fn is_deceptive(&self, state: impl Fn(&str) -> Option<FileState>) -> bool {
        let mut last: Option<(&str, Option<(Look, Version)>)> = None;
        self.0.iter().any(|((path, look), version)| {
            let found = match last {
                // The states of one file are adjacent.
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

/// Whether any change after `now` would change the file's change time.
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
    fn a_changed_file_that_looks_the_same_is_detected() {
        let known = records(&[STATE]);
        let present = |state: FileState| known.is_deceptive(|_| Some(state));
        for (what, state, deceives) in [
            ("nothing", STATE, false),
            ("content", FileState { changed: 1_501, ..STATE }, true),
            ("another file", FileState { inode: 10, ..STATE }, true),
            ("an older one", FileState { changed: 1_499, ..STATE }, true),
            // BuildKit sees these.
            ("size", FileState { size: 8, changed: 1_501, ..STATE }, false),
            ("time", FileState { modified: 2, changed: 1_501, ..STATE }, false),
            ("mode", FileState { permissions: 0o755, changed: 1_501, ..STATE }, false),
        ] {
            assert_eq!(present(state), deceives, "{what} differs");
        }
        assert!(!known.is_deceptive(|_| None), "it is gone, or not a file");
    }

    #[test]
    fn all_announced_states_count() {
        let grown = FileState { size: 8, changed: 1_501, ..STATE };
        let known = records(&[STATE, grown]);
        let back = FileState { changed: 1_502, ..STATE };
        assert!(known.is_deceptive(|_| Some(back)));
        assert!(!known.is_deceptive(|_| Some(grown)));
    }

    #[test]
    fn an_uncertain_state_is_not_trusted() {
        let changed = FileState { changed: 1_501, ..STATE };
        let in_one_run = records(&[STATE, changed]);
        assert!(in_one_run.is_deceptive(|_| Some(STATE)));
        assert!(in_one_run.is_deceptive(|_| Some(changed)));

        for (changed, now, settled) in [
            (SECOND + 1, SECOND + 1, false),
            (SECOND + 1, SECOND + TICK, false),
            (SECOND + 1, SECOND + 1 + TICK, true),
            // A clock that is behind.
            (SECOND + 1, SECOND, false),
            // No fraction of a second: the file system may not store fractions.
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
    fn each_file_is_inspected_once() {
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
