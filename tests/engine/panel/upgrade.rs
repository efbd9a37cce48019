//! Images of other versions over one volume.

use std::process::Command;

use super::container::{Panel, Volume};
use super::{BEFORE, FAMILY, VERSION};

/// The two databases, as bytes and times.
const FILES: &str = "cd /opt/1panel/db && sha256sum *.db && stat -c '%n %Y' *.db";

/// More rows than SQLite keeps in its cache during a transaction.
const MUCH: &str = r#"sqlite3 /opt/1panel/db/agent.db "
    CREATE TABLE much(x);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO much SELECT randomblob(500) FROM n""#;

const CUT_SHORT: &str = r#"cd /opt/1panel/db && sqlite3 core.db <<'END'
ATTACH 'agent.db' AS agent;
PRAGMA agent.cache_size=5;
BEGIN;
UPDATE main.settings SET value='v2.0.11' WHERE key='SystemVersion';
UPDATE agent.settings SET value='v2.0.11' WHERE key='SystemVersion';
UPDATE much SET x=randomblob(500);
.shell kill -KILL $PPID
END"#;

fn versions(panel: &Panel) -> [String; 2] {
    ["core.db", "agent.db"].map(|database| panel.setting(database, "SystemVersion"))
}

fn backups(panel: &Panel) -> Vec<String> {
    let list = panel.sh("mkdir -p /opt/1panel/db-backup; ls /opt/1panel/db-backup");
    list.lines().map(str::to_owned).collect()
}

#[test]
fn a_newer_image_keeps_the_data_backs_it_up_and_sets_the_version() {
    let volume = Volume::new();
    let (old, new) = (FAMILY.image(BEFORE, "alpine"), FAMILY.image(VERSION, "alpine"));
    let panel = Panel::healthy(&old, &volume, &["--env", "PANEL_USERNAME=keeper"]);
    let first_log = panel.log();
    panel.sh(MUCH);
    // A power failure during an upgrade, when half of it is on the disk.
    assert_ne!(panel.try_sh(CUT_SHORT).code, 0);
    panel.sh("test -s /opt/1panel/db/agent.db-journal");
    drop(panel);

    let panel = Panel::healthy(&new, &volume, &[]);
    assert_eq!(versions(&panel), ["v2.0.11", "v2.0.11"]);
    assert_eq!(panel.setting("core.db", "UserName"), "keeper");
    assert_eq!(
        panel.sh("sqlite3 /opt/1panel/db/agent.db 'SELECT count(*) FROM much'").trim(),
        "3000"
    );
    let log = panel.log();
    assert!(first_log.contains("first start") && !log.contains("first start"), "{log}");
    assert!(log.contains("the data was upgraded from v2.0.10 to v2.0.11"), "{log}");
    let kept = backups(&panel);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].ends_with("-v2.0.10-to-v2.0.11"), "{kept:?}");
    for database in ["core.db", "agent.db"] {
        let backup = format!("../db-backup/{}/{database}", kept[0]);
        assert_eq!(panel.setting(&backup, "SystemVersion"), "v2.0.10");
    }

    // With the same version nothing changes.
    let before = panel.sh(FILES);
    panel.restart();
    panel.wait_for_health("healthy");
    assert_eq!(panel.sh(FILES), before);
    assert_eq!(backups(&panel), kept);

    // An upgrade that was interrupted between the two, with an incomplete backup, is repeated.
    let half = "UPDATE settings SET value='v2.0.10' WHERE key='SystemVersion'";
    panel.sh(&format!(
        "sqlite3 /opt/1panel/db/agent.db \"{half}\"; mkdir /opt/1panel/db-backup/half.partial"
    ));
    panel.restart();
    panel.wait_for_health("healthy");
    assert_eq!(versions(&panel), ["v2.0.11", "v2.0.11"]);
    let again = backups(&panel);
    assert!(again.len() == 2 && again.contains(&kept[0]), "{again:?}");
    drop(panel);

    // A downgrade is refused without changes, unless it is requested.
    let refused = Panel::start(&old, &volume, &[]);
    assert_eq!(refused.ended(), 1);
    let log = refused.log();
    assert!(log.contains("is of v2.0.11, and this image is v2.0.10"), "{log}");
    assert!(log.contains("PANEL_ALLOW_DOWNGRADE=true") && !log.contains("spawned"), "{log}");
    drop(refused);
    let panel = Panel::healthy(&old, &volume, &["--env", "PANEL_ALLOW_DOWNGRADE=true"]);
    assert_eq!(versions(&panel), ["v2.0.10", "v2.0.10"]);
    assert_eq!(backups(&panel).len(), 3, "the newer data is backed up");
    assert_eq!(panel.setting("core.db", "UserName"), "keeper");
}

#[test]
fn unreadable_data_prevents_the_start_and_is_not_changed() {
    let volume = Volume::new();
    let image = FAMILY.image(VERSION, "ubuntu");
    let panel = Panel::healthy(&image, &volume, &[]);
    panel.sh("head -c 5000 /dev/urandom >/opt/1panel/db/core.db");
    let (_, _) = panel.stop();
    drop(panel);
    let refused = Panel::start(&image, &volume, &[]);
    assert_eq!(refused.ended(), 1);
    let log = refused.log();
    assert!(log.contains("core.db is not a readable database"), "{log}");
    assert!(!log.contains("first start") && !log.contains("spawned"), "{log}");
}

#[test]
fn versions_are_compared_as_versions() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/hack/upgrade.sh");
    let older = |one: &str, other: &str| {
        let words = ["-c", ". \"$0\"; older \"$1\" \"$2\"", script, one, other];
        Command::new("sh").args(words).status().unwrap().success()
    };
    let ascending =
        ["v1.10.34", "v2.0.0-alpha1", "v2.0.0-beta1", "v2.0.0", "v2.0.9", "v2.0.10", "v2.1.0"];
    for (index, version) in ascending.iter().enumerate() {
        assert!(!older(version, version), "{version}");
        for newer in &ascending[index + 1..] {
            assert!(older(version, newer) && !older(newer, version), "{version} {newer}");
        }
    }
}
