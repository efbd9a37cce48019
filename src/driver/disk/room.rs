//! The free space of a file system.

use std::path::Path;

use rustix::fs::statvfs;

/// No cell starts with less free space than this, or than the share of a small disk.
const LEAST: u64 = 1_000_000_000;
const LEAST_PERCENT: u64 = 2;

/// The size of a file system, and what programs can still write to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub free: u64,
    pub total: u64,
}

impl Room {
    /// That of the file system of `directory`; `None` if it cannot be read.
    pub(super) fn of(directory: &Path) -> Option<Self> {
        let found = statvfs(directory).ok()?;
        let size = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        // A file system that does not say its size has none.
        let room = Self { free: size(found.f_bavail), total: size(found.f_blocks) };
        (room.total > 0).then_some(room)
    }

    /// How many bytes are missing before a cell may start.
    pub(super) fn lacks(self) -> Option<u64> {
        let least = LEAST.min(self.total / 100 * LEAST_PERCENT);
        least.checked_sub(self.free).filter(|lacking| *lacking > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_below_1_gb_or_2_percent() {
        const GB: u64 = 1_000_000_000;
        for (free, total, expected) in [
            (2 * GB, 1_000 * GB, None),
            (GB, 1_000 * GB, None),
            (GB / 4, 1_000 * GB, Some(GB / 4 * 3)),
            (GB / 4, 10 * GB, None),
            (GB / 10, 10 * GB, Some(GB / 10)),
            (0, GB, Some(GB / 50)),
        ] {
            assert_eq!(Room { free, total }.lacks(), expected, "{free} of {total}");
        }
        assert!(Room::of(Path::new("/")).is_some_and(|room| room.free <= room.total));
        assert_eq!(Room::of(Path::new("/no/such/directory")), None);
    }
}
