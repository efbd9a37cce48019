use std::path::PathBuf;

use super::*;
use crate::record::run_file::RunFile;

const NOW: &str = "2026-11-28T00:00:00Z";

/// A record that is some days old.
fn record(place: &Path, days: u8, bytes: usize) -> PathBuf {
    let id = format!("202611{:02}T000000Z-00{days:02}", 28 - days);
    let directory = place.join(&id);
    fs::create_dir_all(directory.join("logs")).unwrap();
    let time = format!("2026-11-{:02}T00:00:00Z", 28 - days);
    let head = format!(r#"{{"version":7,"type":"run","id":"{id}","time":"{time}","later":1}}"#);
    fs::write(directory.join("run.jsonl"), head + "\n{\"seq\":1").unwrap();
    fs::write(directory.join("logs/a.log.gz"), "x".repeat(bytes)).unwrap();
    directory
}

/// The days of the records that are left.
fn left(place: &Path, kept: Retention) -> Vec<u8> {
    let own = "20261128T000000Z-0000".parse().unwrap();
    kept.apply(place, &own, NOW.parse().unwrap()).unwrap();
    let left = entries(place).unwrap();
    left.iter().map(|entry| entry.id.as_str()[19..].parse().unwrap()).collect()
}

#[test]
fn records_go_by_number_age_and_size() {
    for (kept, expected) in [
        (Retention::default(), vec![0, 1, 2, 5, 9]),
        (Retention { runs: 3, ..Retention::default() }, vec![0, 1, 2]),
        (Retention { age: DAY * 5, ..Retention::default() }, vec![0, 1, 2, 5]),
        (Retention { size: 3_600, ..Retention::default() }, vec![0, 1, 2]),
        // The run that does it stays in any case.
        (Retention { runs: 1, size: 1, ..Retention::default() }, vec![0]),
    ] {
        let at = tempfile::tempdir().unwrap();
        for days in [0, 1, 2, 5, 9] {
            record(at.path(), days, 1_000);
        }
        assert_eq!(left(at.path(), kept), expected, "{kept:?}");
    }
}

#[test]
fn neither_a_running_run_nor_what_is_no_record_is_removed() {
    let at = tempfile::tempdir().unwrap();
    record(at.path(), 0, 1);
    let running = record(at.path(), 9, 1);
    fs::remove_file(running.join("run.jsonl")).unwrap();
    let mut file = RunFile::create(&running).unwrap();
    file.begun(&running).unwrap();
    let head = r#"{"type":"run","id":"20261119T000000Z-0009","time":"2026-11-19T00:00:00Z"}"#;
    fs::write(running.join("run.jsonl"), head).unwrap();

    let others =
        ["notes", "20261101T000000Z-0001", "20261101T000000Z-0002", "20261101T000000Z-0003"];
    let others = others.map(|name| at.path().join(name));
    others.iter().for_each(|path| fs::create_dir(path).unwrap());
    fs::write(others[1].join("mine"), "").unwrap();
    fs::write(others[2].join("run.jsonl"), "not a record").unwrap();
    // The copy of another record.
    fs::write(others[3].join("run.jsonl"), head).unwrap();
    let elsewhere = record(&at.path().join("elsewhere"), 8, 1);
    let link = at.path().join("20261120T000000Z-0008");
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();

    let kept = Retention { runs: 1, ..Retention::default() };
    assert!(left(at.path(), kept).contains(&9));
    assert!(others.iter().all(|path| path.is_dir()) && elsewhere.is_dir() && link.is_symlink());
    file.flush().unwrap();
    drop(file);
    assert!(!left(at.path(), kept).contains(&9));
}

#[test]
fn what_is_left_of_a_record_that_was_being_created_or_removed_is_removed() {
    let at = tempfile::tempdir().unwrap();
    let whole = record(at.path(), 0, 1);
    let path = |number: usize| at.path().join(format!("20261101T000000Z-000{number}"));
    for number in 1..=4 {
        fs::create_dir(path(number)).unwrap();
    }
    fs::create_dir(path(2).join("logs")).unwrap();
    fs::create_dir(path(3).join("logs")).unwrap();
    drop(RunFile::create(&path(3)).unwrap());
    fs::write(path(4).join("mine"), "").unwrap();
    remove_unfinished(at.path()).unwrap();
    let left = [1, 2, 3, 4].map(|number| path(number).exists());
    assert_eq!((left, whole.join("run.jsonl").exists()), ([false, false, false, true], true));
}

#[test]
fn what_is_kept_is_a_list_of_limits() {
    let kept = |runs, days, size| Ok(Retention { runs, age: DAY * days, size });
    for (text, expected) in [
        ("50", kept(50, 30, 1 << 30)),
        ("90d", kept(20, 90, 1 << 30)),
        ("5g", kept(20, 30, 5 << 30)),
        ("5, 7D, 100MB", kept(5, 7, 100 << 20)),
        ("", Err("``")),
        ("0", Err("`0`")),
        ("5 days", Err("`5 days`")),
        ("0d", Err("`0d`")),
        ("5,x", Err("`x`")),
    ] {
        let parsed = text.parse::<Retention>();
        match expected {
            Ok(expected) => assert_eq!(parsed, Ok(expected), "{text}"),
            Err(part) => assert!(parsed.unwrap_err().starts_with(part), "{text}"),
        }
    }
}
