//! Consecutive runs on one directory.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::context::Selection;

struct Machine {
    home: TempDir,
    project: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine =
            Self { home: tempfile::tempdir().unwrap(), project: tempfile::tempdir().unwrap() };
        machine.write("one");
        machine
    }

    /// Writes the file with a fixed modification time.
    fn write(&self, content: &str) {
        let path = self.file();
        fs::write(&path, content).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(UNIX_EPOCH).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.project.path().join("file")
    }

    fn open(&self, resend: bool) -> Ledger {
        self.open_in(Some(self.home.path()), resend)
    }

    fn open_in(&self, cache: Option<&Path>, resend: bool) -> Ledger {
        let folder = Folder::open(self.project.path()).unwrap();
        Ledger::open(cache, &folder, &folder.identity().unwrap(), resend).unwrap()
    }

    /// Announces everything, long after it was written.
    fn send(&self, ledger: &Ledger) {
        let folder = Folder::open(self.project.path()).unwrap();
        let announce = &mut |entry| {
            ledger.announce_at(&entry, i64::MAX);
            Ok(())
        };
        folder.walk(Selection::default(), announce).unwrap();
    }

    /// A complete run. Returns its key.
    fn run(&self) -> String {
        let ledger = self.open(false);
        self.send(&ledger);
        ledger.close();
        ledger.key().to_owned()
    }
}

#[test]
fn a_directory_keeps_its_key_until_a_changed_file_looks_the_same() {
    let machine = Machine::new();
    let first = machine.run();
    assert_eq!(machine.run(), first, "nothing has changed");
    machine.write("other");
    let second = machine.run();
    assert_eq!(second, first, "BuildKit sees another size");
    machine.write("OTHER");
    let third = machine.run();
    assert_ne!(third, first);
    assert_eq!(machine.run(), third);
    machine.write("one");
    assert_eq!(machine.run(), third, "it was never sent like this under this key");
}

#[test]
fn earlier_states_of_a_file_count_too() {
    let machine = Machine::new();
    let first = machine.run();
    machine.write("longer");
    assert_eq!(machine.run(), first);
    // The same length as at first.
    machine.write("two");
    assert_ne!(machine.run(), first);
}

#[test]
fn a_run_that_sends_nothing_keeps_the_records() {
    let machine = Machine::new();
    let first = machine.run();
    // A build without COPY requests nothing.
    machine.open(false).close();
    machine.write("two");
    assert_ne!(machine.run(), first);
}

#[test]
fn the_run_after_a_killed_one_has_another_key() {
    let machine = Machine::new();
    let first = machine.run();
    let killed = machine.open(false);
    assert_eq!(killed.key(), first);
    machine.send(&killed);
    drop(killed);
    assert_ne!(machine.run(), first);
}

#[test]
fn concurrent_runs_have_their_own_keys_and_keep_them() {
    let machine = Machine::new();
    let run = || {
        let ledgers = [false; 5].map(|resend| machine.open(resend));
        ledgers.each_ref().map(|ledger| {
            machine.send(ledger);
            ledger.close();
            ledger.key().to_owned()
        })
    };
    let (first, second) = (run(), run());
    let different: std::collections::HashSet<_> = first.iter().collect();
    assert_eq!(different.len(), 5);
    assert_eq!(first[..4], second[..4]);
    assert_ne!(first[4], second[4], "there are four slots");
}

#[test]
fn a_run_that_resends_everything_has_another_key() {
    let machine = Machine::new();
    let first = machine.run();
    let resent = machine.open(true);
    machine.send(&resent);
    resent.close();
    assert_ne!(resent.key(), first);
    assert_eq!(machine.run(), resent.key());
}

#[test]
fn a_directory_that_was_created_again_has_another_key() {
    let machine = Machine::new();
    let first = machine.run();
    let aside = machine.home.path().join("aside");
    fs::rename(machine.project.path(), &aside).unwrap();
    fs::create_dir(machine.project.path()).unwrap();
    machine.write("one");
    assert_ne!(machine.run(), first);
}

#[test]
fn without_a_cache_directory_every_run_has_its_own_key() {
    let machine = Machine::new();
    let blocked = machine.home.path().join("file");
    fs::write(&blocked, "").unwrap();
    for cache in [None, Some(&*blocked)] {
        let key = || {
            let ledger = machine.open_in(cache, false);
            machine.send(&ledger);
            ledger.close();
            ledger.key().to_owned()
        };
        assert_ne!(key(), key());
    }
}

#[test]
fn nothing_is_saved_in_the_directory_that_is_sent() {
    let machine = Machine::new();
    let inside = machine.project.path().join("home/.cache");
    let key = || {
        let ledger = machine.open_in(Some(&inside), false);
        machine.send(&ledger);
        ledger.close();
        ledger.key().to_owned()
    };
    assert_ne!(key(), key());
    assert!(!inside.exists());
}

#[test]
fn other_users_cannot_read_the_saved_state() {
    let machine = Machine::new();
    machine.run();
    let mut files = fs::read_dir(machine.home.path()).unwrap();
    let mode = files.next().unwrap().unwrap().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(files.next().is_none());
}
