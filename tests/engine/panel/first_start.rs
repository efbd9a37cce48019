//! The credentials of a new panel, and how they are changed.

use super::container::{Panel, Volume};
use super::{FAMILY, VERSION};

/// The values after `name` in the output of a first start.
fn printed(log: &str, name: &str) -> Vec<String> {
    let start = format!("entrypoint:   {name}");
    let value = |line: &str| Some(line.strip_prefix(&start)?.trim().to_owned());
    log.lines().filter_map(value).collect()
}

#[test]
fn missing_credentials_are_random_and_printed_once() {
    let image = FAMILY.image(VERSION, "alpine");
    let volumes = [Volume::new(), Volume::new()];
    let panels = volumes.each_ref().map(|volume| Panel::healthy(&image, volume, &[]));
    let seen = panels.each_ref().map(|panel| {
        panel.restart();
        panel.wait_for_health("healthy");
        ["address", "user", "password"].map(|name| {
            let mut values = printed(&panel.log(), name);
            assert_eq!(values.len(), 1, "{name} is printed once: {}", panel.log());
            values.remove(0)
        })
    });
    for (one, other) in seen[0].iter().zip(&seen[1]) {
        assert_ne!(one, other);
    }
    for (panel, [address, user, password]) in panels.iter().zip(&seen) {
        assert_eq!(&panel.setting("core.db", "UserName"), user);
        assert_eq!(&panel.setting("core.db", "Password"), password);
        let entrance = panel.setting("core.db", "SecurityEntrance");
        assert_eq!(address, &format!("http://HOST:10086/{entrance}"));
        let ctl = panel.sh("cat /usr/local/bin/1pctl");
        assert!(!ctl.contains(password), "the password stays in 1pctl");
    }
}

#[test]
fn given_credentials_are_used_and_a_given_password_is_neither_printed_nor_passed_on() {
    let volume = Volume::new();
    let all = ["PANEL_PORT=8443", "PANEL_USERNAME=admin_1", "PANEL_ENTRANCE=door"];
    let mut args: Vec<&str> = all.iter().flat_map(|value| ["--env", value]).collect();
    args.extend(["--env", "PANEL_PASSWORD=Canary,12#*$?!"]);
    let panel = Panel::healthy(&FAMILY.image(VERSION, "ubuntu"), &volume, &args);
    assert!(panel.get(8443, "/door").starts_with("HTTP/1.1 200 "));
    assert_eq!(panel.setting("core.db", "UserName"), "admin_1");
    assert_eq!(panel.setting("core.db", "Password"), "Canary,12#*$?!");
    let log = panel.log();
    assert!(!log.contains("Canary"), "{log}");
    assert_eq!(printed(&log, "password"), ["as given"]);
    // The engine passes it to the first process; supervisord and its programs do not inherit it.
    for pid in ["1".to_owned(), panel.pid("1panel-core"), panel.pid("1panel-agent")] {
        let environment = panel.sh(&format!("tr '\\0' '\\n' </proc/{pid}/environ"));
        assert!(environment.contains("PANEL_USERNAME=admin_1"), "{environment}");
        assert!(!environment.contains("Canary"), "{environment}");
    }

    // Later changes use 1pctl.
    let info = panel.sh("1pctl user-info");
    assert!(info.contains(":8443/door") && info.contains("admin_1"), "{info}");
    panel.sh("echo other_name | 1pctl update username");
    panel.sh("echo Other.Word9 | 1pctl update password");
    panel.sh("echo 9443 | 1pctl update port");
    panel.wait_for_health("healthy");
    let info = panel.sh("1pctl user-info");
    assert!(info.contains(":9443/door") && info.contains("other_name"), "{info}");
    assert_eq!(panel.setting("core.db", "Password"), "Other.Word9");
    assert!(panel.get(9443, "/door").starts_with("HTTP/1.1 200 "));
    let status = panel.sh("1pctl status; 1pctl version");
    assert_eq!(status.matches(": running").count(), 2, "{status}");
    // The environment of the first start does not revert it.
    panel.restart();
    panel.wait_for_health("healthy");
    assert!(panel.get(9443, "/door").starts_with("HTTP/1.1 200 "));
    assert!(panel.log().contains("PANEL_PORT=8443 only has an effect at the first start"));
}

#[test]
fn a_password_may_come_from_a_file() {
    let volume = Volume::new();
    let secret =
        tempfile::Builder::new().prefix("onebuild-").tempdir_in(crate::support::lab_dir()).unwrap();
    std::fs::write(secret.path().join("password"), "From_a_file.1\n").unwrap();
    let mount = format!("{}:/run/secrets:ro", secret.path().display());
    let file = ["--volume", &mount, "--env", "PANEL_PASSWORD_FILE=/run/secrets/password"];
    let panel = Panel::healthy(&FAMILY.image(VERSION, "centos"), &volume, &file);
    assert_eq!(panel.setting("core.db", "Password"), "From_a_file.1");
    assert!(!panel.log().contains("From_a_file"));
}

#[test]
fn an_invalid_value_is_reported_and_nothing_is_started() {
    let image = FAMILY.image(VERSION, "alpine");
    for (given, said) in [
        ("PANEL_PORT=70000", "PANEL_PORT is 70000: it must be a number from 1 to 65535"),
        ("PANEL_PORT=80a", "PANEL_PORT is '80a'"),
        ("PANEL_USERNAME=a b", "PANEL_USERNAME is 'a b': letters, digits and _"),
        ("PANEL_ENTRANCE=ab", "PANEL_ENTRANCE is 'ab', of 2 characters: 3 to 30"),
        ("PANEL_PASSWORD=Canary", "PANEL_PASSWORD has 6 characters: 8 to 30"),
        ("PANEL_PASSWORD=Canary of 12", "PANEL_PASSWORD contains a character"),
        ("PANEL_PASSWORD_FILE=/nowhere", "PANEL_PASSWORD_FILE is '/nowhere'"),
    ] {
        let volume = Volume::new();
        let panel = Panel::start(&image, &volume, &["--env", given]);
        assert_eq!(panel.ended(), 1, "{given}");
        let log = panel.log();
        assert!(log.contains(&format!("entrypoint: error: {said}")), "{log}");
        for never in ["Canary", "spawned", "first start"] {
            assert!(!log.contains(never), "{given}: {log}");
        }
    }
}
