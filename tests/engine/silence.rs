//! Engines and registries that accept a request but do not answer: the error names them, and there
//! is a time limit. Slow answers are not an error.

use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use onebuild::parts::{
    BuildRequest, Cache, CellResult, Engine, EngineBuilder, Failure, Kind, Node, Output, Phase,
    Places, RegistryFault,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::phrases::base_image;
use crate::support::{
    Fault, FaultyRegistry, ONE, Project, Running, built, commands_with, lab_env, lab_script,
    patient_builder, request, silent_to, started_engine, until,
};

/// Instead of 5 minutes.
const LIMIT: Duration = Duration::from_secs(4);

/// The failure of `request` because of a registry that does not answer.
async fn given_up(builder: &EngineBuilder, request: &BuildRequest, host: &str) -> Box<Failure> {
    let result = built(builder, request).await;
    let CellResult::Failed(failure) = result else { panic!("{result:?}") };
    let Kind::Registry { image, fault: RegistryFault::Silent { .. } } = &failure.kind else {
        panic!("{failure:?}")
    };
    assert_eq!(image.repository.host(), host);
    assert!(failure.message.contains(&format!("timed out: {host} did not answer")), "{failure:?}");
    failure
}

#[tokio::test]
async fn a_pull_without_an_answer_times_out_without_delaying_other_cells() {
    let base = base_image("silent").await;
    let (_, builder) = patient_builder(LIMIT).await;
    let project = Project::single("silentpull", "");
    for (part, is_lookup) in [("/manifests/", true), (&*base.layer, false)] {
        let registry = FaultyRegistry::start();
        let part = part.to_owned();
        registry.rule(move |asked| asked.path.contains(&part).then_some(Fault::Hang));
        let image = format!("{}/onebuild-tests/phrases", registry.host);
        let dockerfile = format!("FROM {image}:silent\nCOPY Dockerfile /\n");
        let request = request(&project, &image, &dockerfile, Output::Nothing);
        let failure = given_up(&builder, &request, &registry.host).await;
        assert_eq!(failure.phase, Phase::Pull);
        if is_lookup {
            let started = Instant::now();
            given_up(&builder, &request, &registry.host).await;
            assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
        }
    }
}

#[tokio::test]
async fn a_cache_push_without_an_answer_times_out_but_a_silent_command_does_not() {
    let (_, builder) = patient_builder(LIMIT).await;
    let project = Project::single("silentcache", "");
    let registry = FaultyRegistry::start();
    registry.rule(|asked| asked.path.contains("-cache/blobs/").then_some(Fault::Hang));
    let image = format!("{}/onebuild-tests/silentcache", registry.host);
    let seconds = 2 * LIMIT.as_secs();
    let dockerfile = format!("FROM alpine:3.20\nRUN sleep {seconds}; echo {}\n", project.nonce());
    let quiet = request(&project, &image, &dockerfile, Output::Push);
    let result = built(&builder, &quiet).await;
    assert!(matches!(result, CellResult::Built(_)), "{result:?}");
    let cache = format!("type=registry,ref={image}-cache:v1,mode=max");
    let mut cached = quiet;
    cached.policy.caches.to = Cache::parse(&cache).unwrap();
    let failure = given_up(&builder, &cached, &registry.host).await;
    assert_eq!(failure.phase, Phase::Push);
}

#[tokio::test]
async fn a_lint_request_times_out_and_names_the_registry() {
    let (_, builder) = patient_builder(LIMIT).await;
    let project = Project::single("silentlint", "");
    let registry = FaultyRegistry::start();
    registry.rule(|_| Some(Fault::Hang));
    let image = format!("{}/onebuild-tests/silentlint", registry.host);
    let dockerfile = format!("FROM {image}:base\n");
    let request = request(&project, &image, &dockerfile, Output::Nothing);
    let said = builder.lint(&request).await.unwrap_err().to_string();
    assert_eq!(said, format!("it did not answer for 4 s; it may wait for {}", registry.host));
    let said = builder.lint(&request).await.unwrap_err().to_string();
    assert_eq!(said, format!("{} did not answer BuildKit", registry.host));
}

/// The time limit of an upload depends on this size.
#[tokio::test]
async fn the_engine_reports_the_size_of_a_push() {
    let project = Project::single("pushsize", "FROM alpine:3.20\nCOPY Dockerfile /\n");
    let (store, digest) = tokio::task::spawn_blocking(move || {
        let digest = project.run(&["build", "--push"]).success().digest();
        (project.store().images("v1").remove(0).1, digest)
    })
    .await
    .unwrap();
    let size = |blob: &serde_json::Value| blob["size"].as_u64().unwrap();
    let layers = store["layers"].as_array().unwrap();
    let all = size(&store["config"]) + layers.iter().map(size).sum::<u64>();
    let candidate = Places::default().host(&lab_env("DOCKER_HOST"), "DOCKER_HOST").unwrap();
    let engine = Engine::connect(vec![candidate]).await.unwrap();
    let node = Node::of_engine(engine).await.unwrap();
    let client = node.client();
    assert_eq!(client.image_size(&digest).await, Some(all));
    let layer = layers[0]["digest"].as_str().unwrap();
    assert_eq!(client.blob_size(layer).await, Some(size(&layers[0])));
    let missing = format!("sha256:{}", "0".repeat(64));
    assert_eq!(client.image_size(&missing).await, None);
}

#[test]
fn a_socket_that_accepts_without_answering_is_reported_within_10_s() {
    let project = Project::single("saysnothing", "FROM scratch\nCOPY Dockerfile /\n");
    let path = project.path("engine.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let host = format!("unix://{}", path.display());
    let started = Instant::now();
    project.run(&["build", "--host", &host]).exits(4).says(&[
        "no Docker Engine answers",
        &format!("{host} (--host): it accepts connections but does not answer (9 s)"),
        "docker version",
    ]);
    assert!(started.elapsed() < Duration::from_secs(11), "{:?}", started.elapsed());
}

#[test]
fn creating_and_starting_a_container_count_against_the_timeout_of_its_test() {
    let matrix = format!("{ONE}\ntest: {{ run: \"true\", timeout: 6s }}\n");
    let project = Project::new("nocontainer", &matrix, "FROM alpine:3.20\n");
    let host = silent_to(project.path("create.sock"), "/containers/create");
    project.run(&["build", "--host", &host, "--output", "type=tar,dest=a.tar"]).exits(1).says(&[
        "test failed: no container was created within 6s: the engine is busy or does not answer",
        "--test-jobs",
    ]);
    let host = silent_to(project.path("start.sock"), "/start");
    project
        .run(&["build", "--host", &host, "--output", "type=tar,dest=a.tar"])
        .exits(1)
        .says(&["test failed: the container was not started within 6s"]);
}

/// A process that is stopped until this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn new(engine: &str) -> Self {
        let mut command: Command = lab_script("engine");
        command.args(["pid", engine]);
        let pid = Running::start(command).end().success().stdout;
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}

#[test]
fn an_engine_that_stops_answering_ends_the_build_and_is_named() {
    let engine = started_engine("stopped", &[]);
    let project = Project::new("stopped", ONE, "");
    // Silent for longer than an engine may be.
    let sleeper = format!("FROM alpine:3.20\nRUN echo {}; sleep 600; true\n", project.nonce());
    project.file("context/Dockerfile", sleeper);
    let args = ["build", "--host", &engine.host, "--retries", "0", "--progress", "plain"];
    let mut running = project.start(&args);
    until("it builds", Duration::from_secs(90), || commands_with(project.nonce()) > 0);
    let busy = Instant::now();
    until("a busy engine was pinged", Duration::from_secs(60), || {
        assert!(!running.ended(), "{}", running.stderr());
        busy.elapsed() > Duration::from_secs(35)
    });
    let stopped = Stopped::new("stopped");
    let started = Instant::now();
    let run = running.end().exits(1);
    assert!(started.elapsed() < Duration::from_secs(80), "{:?}: {run}", started.elapsed());
    run.says(&["the engine did not answer for 60 s", "docker version"])
        .never_says(&["push failed", "registry"]);
    drop(stopped);
}
