//! Leftovers of killed runs on the engine, and their removal.
//!
//! Runs of other tests remove them too, so nothing here depends on which run did it.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Project, Running, clock_ahead, docker, until};

const TESTED: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }\ntest: \"until [ -e /go ]; do sleep 0.1; done\"\n";

/// A project whose images and containers have its nonce as a label.
fn project(name: &str) -> Project {
    let project = Project::new(name, "", "");
    let nonce = project.nonce().to_owned();
    project.matrix(&format!("labels: {{ nonce: {nonce} }}\n{TESTED}"));
    project.file("context/Dockerfile", "FROM alpine:3.20\nVOLUME /data\n");
    project
}

fn lines(args: &[&str]) -> Vec<String> {
    docker(args).lines().map(str::to_owned).collect()
}

fn containers(label: &str) -> Vec<String> {
    lines(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &format!("label={label}")])
}

fn images(label: &str) -> Vec<String> {
    let filter = format!("label={label}");
    lines(&["image", "ls", "--filter", &filter, "--format", "{{.Repository}}:{{.Tag}}"])
}

fn is_image(name: &str) -> bool {
    !lines(&["image", "ls", "--quiet", name]).is_empty()
}

/// A value of a container, in the format of `docker inspect --format`.
fn inspected(container: &str, format: &str) -> String {
    docker(&["inspect", "--format", format, container]).trim().to_owned()
}

/// The label that identifies a project's objects.
fn label(project: &Project) -> String {
    format!("nonce={}", project.nonce())
}

/// The container of a run's only test, as soon as it runs.
fn running_container(project: &Project, running: &mut Running) -> String {
    let mut found = Vec::new();
    until("the test runs", Duration::from_secs(60), || {
        assert!(!running.ended(), "{}", running.stderr());
        found = containers(&label(project));
        found.first().is_some_and(|first| inspected(first, "{{.State.Running}}") == "true")
    });
    found.remove(0)
}

/// A run id: 25 characters that only this project has.
fn run_id(project: &Project) -> String {
    let nonce = project.nonce().bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    nonce[nonce.len() - 25..].to_owned()
}

/// Creates a stopped container and an image, with the names that a test of `owner` gives them.
fn half_made(owner: &str, run: &str) -> (String, String) {
    docker(&["pull", "--quiet", "alpine:3.20"]);
    let image = format!("onebuild.invalid/test:{owner}-{run}-98");
    docker(&["tag", "alpine:3.20", &image]);
    let (name, labels) = (format!("onebuild-test-{run}-99"), labels(owner, run));
    let create = ["create", "--name", &name, "--label", &labels[0], "--label", &labels[1]];
    let container = docker(&[&create[..], &["alpine:3.20"]].concat());
    (container.trim().to_owned(), image)
}

fn labels(owner: &str, run: &str) -> [String; 2] {
    [format!("onebuild.owner={owner}"), format!("onebuild.run={run}")]
}

#[test]
fn a_later_run_removes_the_leftovers_of_a_killed_run_and_nothing_of_a_running_one() {
    let (killed, living, later) = (
        project("leftkilled"),
        project("leftliving"),
        Project::single("leftlater", "FROM alpine:3.20\n"),
    );
    let mut alive = living.start(&["build"]);
    let spared = running_container(&living, &mut alive);
    let mut doomed = killed.start(&["build"]);
    let left = running_container(&killed, &mut doomed);
    let owner = inspected(&left, "{{index .Config.Labels \"onebuild.owner\"}}");
    let [_, _, namespace, process, started] = owner.split('-').collect::<Vec<_>>()[..] else {
        panic!("{owner}")
    };
    assert_eq!(process, doomed.pid().to_string());
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    assert_eq!(stat.rsplit(')').next().unwrap().split_whitespace().nth(19), Some(started));
    let own = std::fs::read_link("/proc/self/ns/pid").unwrap();
    assert_eq!(own.to_str().unwrap(), format!("pid:[{namespace}]"));
    let tested = images(&label(&killed));
    assert!(tested[0].starts_with(&format!("onebuild.invalid/test:{owner}-")), "{tested:?}");
    let volume = inspected(&left, "{{range .Mounts}}{{.Name}}{{end}}");

    // It would have left these if it had been killed a moment earlier.
    let run = run_id(&killed);
    let (created, named) = half_made(&owner, &run);
    // Created by a user from a test's leftovers.
    let labels = labels(&owner, &run);
    let run_by_person = ["create", "--label", &labels[0], "--label", &labels[1], "alpine:3.20"];
    let own_container = docker(&run_by_person).trim().to_owned();
    let own_image = format!("onebuild.invalid/test:{run}");
    docker(&["tag", "alpine:3.20", &own_image]);

    doomed.signal(Signal::KILL);
    doomed.end().exits(-9);
    later.run(&["build"]).success();
    until("its leftovers are gone", Duration::from_secs(30), || {
        containers(&label(&killed)).is_empty()
            && images(&label(&killed)).is_empty()
            && !is_image(&named)
            && !containers(&labels[1]).contains(&created)
    });
    assert!(!docker(&["volume", "ls", "--quiet"]).contains(&volume), "{volume}");
    assert_eq!(containers(&labels[1]), [own_container.as_str()]);
    assert!(is_image(&own_image));
    docker(&["rm", &own_container]);
    docker(&["rmi", &own_image]);

    assert_eq!(inspected(&spared, "{{.State.Running}}"), "true");
    docker(&["exec", &spared, "touch", "/go"]);
    alive.end().success().says(&["1 tested on amd64"]);
    docker(&["rmi", &format!("{}:v1", living.repository()), &format!("{}:v1", later.repository())]);
    assert_eq!(containers(&label(&living)), [""; 0]);
}

#[test]
fn leftovers_of_another_machine_are_removed_if_older_than_a_day_by_the_engines_clock() {
    let project = Project::single("leftaway", "FROM alpine:3.20\n");
    let run = run_id(&project);
    let (container, image) = half_made("00000000000000aa-00000000000000bb-4026531836-1-1", &run);
    let is_there = || (containers(&format!("onebuild.run={run}")), is_image(&image));
    project.run(&["build"]).success();
    assert_eq!(is_there(), (vec![container], true));
    let later = clock_ahead(project.path("later.sock"));
    let run = project.run(&["build", "--host", &later]).success();
    run.says(&["of smoke tests, left on this engine by a run that was killed"]);
    assert_eq!(is_there(), (vec![], false));
    docker(&["rmi", &format!("{}:v1", project.repository())]);
}
