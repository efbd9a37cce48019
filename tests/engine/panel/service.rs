//! Becomes healthy, answers, stops; restarts a program that dies.

use std::time::Duration;

use super::container::{Panel, Volume};
use super::{FAMILY, VERSION};
use crate::support::until;

/// How long users and orchestrators wait before they kill the container.
const STOP: Duration = Duration::from_secs(10);

fn lives(os: &str, platform: &str) {
    let volume = Volume::new();
    let image = FAMILY.image(VERSION, os);
    let given = ["--platform", platform, "--env", "PANEL_ENTRANCE=front_door"];
    let panel = Panel::healthy(&image, &volume, &given);

    let page = panel.get(10086, "/front_door");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains(VERSION), "{page}");
    assert!(page.contains(platform.strip_prefix("linux/").unwrap()), "{page}");
    assert!(panel.get(10086, "/").starts_with("HTTP/1.1 404 "), "any other path is no entrance");
    // Through the agent, and through Docker's own client: the socket is the host's.
    let host = panel.sh("curl -sS --unix-socket /etc/1panel/agent.sock http://agent/docker");
    let own = panel.sh("docker version");
    assert!(panel.sh("docker compose version; docker-compose version").lines().count() == 2);
    for said in [host, own] {
        assert!(said.contains("\"ApiVersion\""), "{said}");
    }
    assert!(panel.log().contains("1panel-core v2.0.11"), "programs log to the container's log");

    let (took, code) = panel.stop();
    assert!(took < STOP, "it stopped after {took:?}");
    assert_eq!(code, 0);
    let log = panel.log();
    for program in ["1panel-core stops", "1panel-agent stops"] {
        assert!(log.contains(program), "{log}");
    }
}

#[test]
fn on_ubuntu_it_is_healthy_answers_and_stops() {
    lives("ubuntu", "linux/amd64");
}

#[test]
fn on_centos_it_is_healthy_answers_and_stops() {
    lives("centos", "linux/amd64");
}

#[test]
fn on_alpine_it_is_healthy_answers_and_stops() {
    lives("alpine", "linux/amd64");
}

#[test]
fn under_emulation_it_is_healthy_answers_and_stops() {
    lives("alpine", "linux/arm64");
}

#[test]
fn a_program_that_dies_is_restarted_and_one_that_cannot_start_makes_the_panel_unhealthy() {
    let volume = Volume::new();
    let panel = Panel::healthy(&FAMILY.image(VERSION, "ubuntu"), &volume, &[]);
    for program in ["1panel-agent", "1panel-core"] {
        let before = panel.pid(program);
        panel.sh(&format!("kill -KILL {before}"));
        until(&format!("{program} came back"), Duration::from_secs(20), || {
            let now = panel.pid(program);
            now != before && now != "0"
        });
        panel.wait_for_health("healthy");

        let program_file = format!("/usr/local/bin/{program}");
        panel.sh(&format!("mv {program_file} /away; kill -KILL {}", panel.pid(program)));
        panel.wait_for_health("unhealthy");
        let log = panel.state()["State"]["Health"]["Log"].to_string();
        assert!(log.contains(&format!("unhealthy: {program} does not answer")), "{log}");
        panel.sh(&format!("mv /away {program_file}"));
        panel.wait_for_health("healthy");
    }
}
