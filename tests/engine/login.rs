//! Registries with passwords, and where passwords must not appear.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Project, Running, Store, lab_env, lab_script};

const FILE: &str = "FROM scratch\nCOPY Dockerfile /\n";

/// The lab's registry with a password.
struct Guarded {
    project: Project,
    image: String,
}

impl Guarded {
    fn new(name: &str, dockerfile: &str) -> Self {
        let project = Project::single(name, dockerfile);
        let host = lab_env("ONEBUILD_LAB_AUTH_REGISTRY");
        let image = format!("{host}/{}", project.repository_name());
        Self { project, image }
    }

    fn store(&self) -> Store {
        let host = lab_env("ONEBUILD_LAB_AUTH_REGISTRY");
        Store::new(host, self.project.repository_name()).with_login("lab", "lab-secret")
    }

    /// onebuild with a login for the registry.
    fn command(&self, password: &str, args: &[&str]) -> Command {
        let host = lab_env("ONEBUILD_LAB_AUTH_REGISTRY");
        let auth = STANDARD.encode(format!("lab:{password}"));
        let config = format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#);
        self.project.file("logins/config.json", config);
        let mut command = self.project.command(args);
        command.env("DOCKER_CONFIG", self.project.path("logins"));
        command
    }
}

#[test]
fn without_a_login_nothing_is_built_and_the_error_says_how_to_log_in() {
    let guarded = Guarded::new("nologin", "FROM alpine:3.20\nRUN echo built\n");
    let host = lab_env("ONEBUILD_LAB_AUTH_REGISTRY");
    let args = ["build", "--no-cache", "--push", "--image", &guarded.image];
    guarded
        .project
        .run(&args)
        .exits(4)
        .says(&[&format!("error: not logged in to {host}"), &format!("docker login {host}")])
        .never_says(&["RUN echo built"]);
}

#[test]
fn with_two_registries_nothing_is_pushed_when_one_refuses() {
    let guarded = Guarded::new("tworegistries", FILE);
    let open = guarded.project.repository();
    let args = ["build", "--push", "--image", &open, "--image", &guarded.image];
    guarded.project.run(&args).exits(4).says(&["not logged in to"]);
    assert!(!guarded.project.store().has("v1"));
}

#[test]
fn a_wrong_password_and_a_missing_login_are_different_errors() {
    let guarded = Guarded::new("wrong", FILE);
    let command =
        guarded.command("onebuild-canary", &["build", "--push", "--image", &guarded.image]);
    Running::start(command)
        .end()
        .exits(4)
        .says(&["rejected the login", "docker login 127.0.0.1:"])
        .never_says(&["onebuild-canary", &STANDARD.encode("lab:onebuild-canary")]);
}

#[test]
fn the_right_password_opens_the_registry_for_push_and_for_base_images() {
    let guarded = Guarded::new("right", FILE);
    let args = ["build", "--push", "--image", &guarded.image];
    let run = Running::start(guarded.command("lab-secret", &args)).end().success();
    assert_eq!(run.digest(), guarded.store().digest("v1"));

    let above = format!("FROM {}:v1\n", guarded.image);
    guarded.project.file("context/Dockerfile", above);
    let private = "or is private: not logged in to 127.0.0.1:";
    guarded.project.run(&["build"]).exits(1).says(&[private, "docker login", "Dockerfile:1:1"]);
    Running::start(guarded.command("lab-secret", &["build"])).end().success();
}

#[test]
fn a_missing_credential_helper_is_named_when_its_login_is_needed() {
    let guarded = Guarded::new("helper", FILE);
    guarded.project.file("logins/config.json", r#"{"credsStore": "onebuild-none"}"#);
    let with_config = |args: &[&str]| {
        let mut command = guarded.project.command(args);
        command.env("DOCKER_CONFIG", guarded.project.path("logins"));
        Running::start(command).end()
    };
    with_config(&["build", "--push", "--image", &guarded.image])
        .exits(4)
        .says(&["docker-credential-onebuild-none", "logins/config.json", "is not on the PATH"])
        .never_says(&["went away"]);
    // A helper is not called if its login is not needed.
    with_config(&["build"]).success();
}

#[test]
fn a_password_is_not_in_any_output_command_line_or_image() {
    let dockerfile = "FROM alpine:3.20\nARG A\nLABEL a=b\nRUN echo $A; env; sleep 1\n";
    let guarded = Guarded::new("canary", dockerfile);
    let args = [
        "build",
        "--push",
        "--no-cache",
        "--provenance",
        "--history",
        "--build-arg",
        "A=b",
        "--image",
        &guarded.image,
    ];
    let mut running = Running::start(guarded.command("lab-secret", &args));
    let mut words = String::new();
    while !running.ended() {
        for process in family(running.pid()) {
            let read = |name| std::fs::read(format!("/proc/{process}/{name}")).unwrap_or_default();
            words += &String::from_utf8_lossy(&[read("cmdline"), read("environ")].concat());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(words.contains("--provenance"), "no command line was seen");
    let run = running.end().success();
    words += &guarded.store().words("v1");
    assert!(words.contains("slsa"), "no provenance was seen");
    for secret in ["lab-secret", &STANDARD.encode("lab:lab-secret"), "bGFiLXNlY3JldA"] {
        assert!(!words.contains(secret), "{secret} is in {words}");
    }
    run.never_says(&["lab-secret", &STANDARD.encode("lab:lab-secret")]);
}

/// A registry whose errors repeat what it received.
fn echoing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the test process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            let length = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let sent = request.lines().find_map(|line| {
                let (name, value) = line.split_once(": Basic ")?;
                name.eq_ignore_ascii_case("authorization").then_some(value)
            });
            let head = match sent {
                // onebuild first checks whether a push would be accepted.
                Some(_) if request.starts_with("POST") => {
                    "202 Accepted\r\nLocation: /v2/echo/blobs/uploads/1".to_owned()
                }
                // BuildKit shows the status phrase, which is present even without a body.
                Some(sent) => format!("400 was sent lab:onebuild-canary ##[error] {sent}"),
                None => "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"".to_owned(),
            };
            let end = "Connection: close\r\nContent-Length: 0\r\n\r\n";
            let _ = write!(stream, "HTTP/1.1 {head}\r\n{end}");
        }
    });
    address
}

#[test]
fn a_registry_that_echoes_the_login_does_not_get_it_printed() {
    let project = Project::single("echo", FILE);
    let host = echoing();
    let auth = STANDARD.encode("lab:onebuild-canary");
    let config = format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#);
    project.file("logins/config.json", config);
    for progress in ["plain", "quiet"] {
        let image = format!("{host}/echo");
        let mut command =
            project.command(&["build", "--push", "--progress", progress, "--image", &image]);
        command.env("DOCKER_CONFIG", project.path("logins")).env("ONEBUILD_LOG", "debug.log");
        let run = Running::start(command)
            .end()
            .exits(1)
            .says(&["was sent lab:[redacted] ## [error] [redacted]"]);
        run.never_says(&["onebuild-canary", &auth, "##["]);
        let log = std::fs::read_to_string(project.path("debug.log")).unwrap();
        assert!(log.contains("status=202") && log.contains("failed cell=v1 kind="), "{log}");
        for secret in ["onebuild-canary", &auth, "##["] {
            assert!(!log.contains(secret), "{secret} is in {log}");
        }
    }
}

/// A process and all its descendants.
fn family(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let below = children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(family);
    std::iter::once(pid).chain(below).collect()
}

#[test]
fn the_logins_of_the_variable_come_before_those_of_the_file() {
    let guarded = Guarded::new("variable", FILE);
    let host = lab_env("ONEBUILD_LAB_AUTH_REGISTRY");
    let variable = |password: &str| {
        let auth = STANDARD.encode(format!("lab:{password}"));
        format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#)
    };
    let push = ["build", "--push", "--image", &guarded.image];
    let mut command = guarded.command("onebuild-canary", &push);
    command.env("DOCKER_AUTH_CONFIG", variable("lab-secret"));
    let run = Running::start(command).end().success();
    assert_eq!(run.digest(), guarded.store().digest("v1"));

    // BuildKit gets it too, for a private base image.
    guarded.project.file("context/Dockerfile", format!("FROM {}:v1\n", guarded.image));
    guarded.project.file("logins/config.json", r#"{"credsStore": "onebuild-none"}"#);
    let mut command = guarded.project.command(&["build"]);
    command.env("DOCKER_CONFIG", guarded.project.path("logins"));
    command.env("DOCKER_AUTH_CONFIG", variable("lab-secret"));
    Running::start(command).end().success();

    let mut command = guarded.command("lab-secret", &push);
    command.env("DOCKER_AUTH_CONFIG", variable("onebuild-canary"));
    Running::start(command).end().exits(4).says(&["rejected the login"]).never_says(&["canary"]);
}

#[test]
fn a_broken_config_file_is_a_warning_unless_a_login_is_needed() {
    let guarded = Guarded::new("broken", FILE);
    guarded.project.file("logins/config.json", "{\n  \"auths\": canary\n}\n");
    let with_config = |args: &[&str]| {
        let mut command = guarded.project.command(args);
        command.env("DOCKER_CONFIG", guarded.project.path("logins"));
        Running::start(command).end().never_says(&["canary"])
    };
    let place = "logins/config.json:2:12: invalid JSON";
    with_config(&["build"]).success().says(&["warning: ", place]);
    let refused = with_config(&["build", "--push", "--image", &guarded.image]).exits(4);
    refused.says(&["error: ", place, "fix the file"]);
    guarded.project.file("context/Dockerfile", format!("FROM {}:none\n", guarded.image));
    with_config(&["build"]).exits(1).says(&["or is private", place, "fix the file"]);
    guarded.project.file("logins/config.json", "\n");
    guarded.project.file("context/Dockerfile", FILE);
    with_config(&["build"]).success().never_says(&["warning"]);
}

/// `onebuild login` with this password on stdin.
fn log_in(project: &Project, host: &str, password: &str) -> std::process::Output {
    let args = ["login", host, "--username", "lab", "--password-stdin"];
    let mut command = project.command(&args);
    command.env("DOCKER_CONFIG", project.path("logins"));
    command.env("ONEBUILD_LOG", "login.log");
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_login_is_checked_stored_as_docker_stores_it_used_by_others_and_removed() {
    let guarded = Guarded::new("loggedin", FILE);
    let (project, host) = (&guarded.project, lab_env("ONEBUILD_LAB_AUTH_REGISTRY"));
    let config = project.path("logins/config.json");
    let refused = log_in(project, &host, "onebuild-canary\n");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains(&format!("{host} rejected the login of `lab`")), "{said}");
    assert!(!config.exists() && !said.contains("canary"), "{said}");

    let done = log_in(project, &format!("https://{host}/v2/"), "lab-secret\r\n");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains(&format!("logged in to {host} as lab")), "{said}");
    assert!(said.contains("stored unencrypted in"), "{said}");
    let log = std::fs::read_to_string(project.path("login.log")).unwrap();
    for secret in ["lab-secret", &STANDARD.encode("lab:lab-secret")] {
        assert!(!said.contains(secret) && !log.contains(secret), "{secret}");
    }

    // Docker's own client writes the same file, and other programs use it.
    let theirs = project.path("theirs");
    let mut docker = lab_script("in");
    let line = format!(
        "echo lab-secret | docker --config {} login {host} -u lab --password-stdin",
        theirs.display()
    );
    docker.args(["sh", "-c", &line]);
    Running::start(docker).end().success();
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&config), read(&theirs.join("config.json")));
    let with_logins = |args: &[&str]| {
        let mut command = project.command(args);
        command.env("DOCKER_CONFIG", project.path("logins"));
        Running::start(command).end()
    };
    let push = ["build", "--push", "--image", &guarded.image];
    with_logins(&push).success();
    let crane = || {
        let mut crane = lab_script("in");
        let config = format!("DOCKER_CONFIG={}", project.path("logins").display());
        crane.args([
            "env",
            &config,
            "crane",
            "digest",
            "--insecure",
            &format!("{}:v1", guarded.image),
        ]);
        Running::start(crane).end()
    };
    assert_eq!(crane().success().stdout.trim(), guarded.store().digest("v1"));

    with_logins(&["logout", &host]).success().says(&[&format!("logged out of {host}")]);
    assert_eq!(read(&config), "{\n\t\"auths\": {}\n}");
    with_logins(&push).exits(4).says(&["not logged in to"]);
    with_logins(&["logout", &host]).success().says(&["there was no login for"]);
}
