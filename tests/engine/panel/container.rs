//! A panel in a container, started as its documentation describes, and its data volume. Both are
//! removed when their values are dropped.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Run, docker, docker_run, lab_env, until};

/// Longer than any start takes, including emulated ones on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

pub struct Volume {
    name: String,
}

impl Volume {
    pub fn new() -> Self {
        Self { name: docker(&["volume", "create"]).trim().to_owned() }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let removed = docker_run(&["volume", "rm", "--force", &self.name]);
        assert!(removed.code == 0 || std::thread::panicking(), "{removed}");
    }
}

pub struct Panel {
    id: String,
}

impl Panel {
    /// Starts `image` with Docker's socket, with `volume` at /opt, and further arguments of `docker
    /// run`.
    pub fn start(image: &str, volume: &Volume, args: &[&str]) -> Self {
        let socket = format!("{}:/var/run/docker.sock", socket());
        let opt = format!("{}:/opt", volume.name);
        // The health check runs frequently, so that consecutive failures take seconds, not minutes.
        let always = ["create", "--quiet", "--volume", &socket, "--volume", &opt];
        let often = ["--health-interval", "1s", "--health-retries", "2"];
        let created = docker(&[&always[..], &often, args, &[image]].concat());
        let panel = Self { id: created.trim().to_owned() };
        docker(&["start", &panel.id]);
        panel
    }

    /// The same, and waits until it is healthy.
    pub fn healthy(image: &str, volume: &Volume, args: &[&str]) -> Self {
        let panel = Self::start(image, volume, args);
        panel.wait_for_health("healthy");
        panel
    }

    /// The engine's information about it.
    pub fn state(&self) -> Value {
        engine(&format!("/containers/{}/json", self.id))
    }

    #[track_caller]
    pub fn wait_for_health(&self, wanted: &str) -> Duration {
        until(&format!("the panel is {wanted}; its log:\n{}", self.log()), LIMIT, || {
            let state = &self.state()["State"];
            assert_eq!(state["Running"], true, "it ended:\n{}", self.log());
            state["Health"]["Status"] == wanted
        })
    }

    /// Waits until it ended by itself; returns its exit code.
    #[track_caller]
    pub fn ended(&self) -> i64 {
        until("the container ended", LIMIT, || self.state()["State"]["Running"] == false);
        self.state()["State"]["ExitCode"].as_i64().unwrap()
    }

    /// Stops it; returns how long that took, and its exit code.
    pub fn stop(&self) -> (Duration, i64) {
        let started = Instant::now();
        docker(&["stop", "--time", "60", &self.id]);
        (started.elapsed(), self.state()["State"]["ExitCode"].as_i64().unwrap())
    }

    pub fn restart(&self) {
        docker(&["restart", &self.id]);
    }

    /// Its log, stdout and stderr together.
    pub fn log(&self) -> String {
        let run = docker_run(&["logs", &self.id]);
        run.stdout + &run.stderr
    }

    /// Runs a shell script inside.
    pub fn try_sh(&self, script: &str) -> Run {
        docker_run(&["exec", &self.id, "sh", "-c", script])
    }

    #[track_caller]
    pub fn sh(&self, script: &str) -> String {
        self.try_sh(script).success().stdout
    }

    /// The pid inside of the container of one of its two programs, as supervisord reports it; 0 if
    /// it does not run.
    pub fn pid(&self, program: &str) -> String {
        let conf = "/usr/local/lib/1panel/supervisord.conf";
        // It exits with 7 if it prints 0.
        self.sh(&format!("supervisorctl -c {conf} pid {program} || [ $? = 7 ]")).trim().to_owned()
    }

    /// A row of the table `settings` of `core.db` or `agent.db`.
    #[track_caller]
    pub fn setting(&self, database: &str, key: &str) -> String {
        let query = format!("SELECT value FROM settings WHERE key='{key}'");
        self.sh(&format!("sqlite3 /opt/1panel/db/{database} \"{query}\"")).trim().to_owned()
    }

    /// The full response of its port to a GET, including the status line.
    pub fn get(&self, port: u16, path: &str) -> String {
        let networks = &self.state()["NetworkSettings"]["Networks"];
        let address = networks["bridge"]["IPAddress"].as_str().unwrap().to_owned();
        let stream = TcpStream::connect((address.as_str(), port)).unwrap();
        http(stream, path)
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        let removed = docker_run(&["rm", "--force", "--volumes", &self.id]);
        assert!(removed.code == 0 || std::thread::panicking(), "{removed}");
    }
}

/// The path of the engine's socket.
fn socket() -> String {
    lab_env("DOCKER_HOST")
        .strip_prefix("unix://")
        .expect("the lab's engine has a socket")
        .to_owned()
}

fn http(mut stream: impl std::io::Read + std::io::Write, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.0\r\nHost: lab\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Queries the engine without starting a program, because this runs in a loop.
fn engine(path: &str) -> Value {
    let answer = http(UnixStream::connect(socket()).unwrap(), path);
    let (_, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}\n{answer}"))
}
