//! Engines without a local socket: ports, docker contexts, `ssh`. The engine is the lab's; TLS is
//! tested with a separate engine, in `docker_in_docker`.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::support::{ONE, Project, Running, lab_env, lab_script};

const FILE: &str = "FROM scratch\nCOPY Dockerfile /\n";

/// A port of this machine that forwards to the lab's engine until the tests end.
fn port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            relay(stream.unwrap()).unwrap();
        }
    });
    port
}

fn relay(near: TcpStream) -> io::Result<()> {
    let host = lab_env("DOCKER_HOST");
    let far = UnixStream::connect(host.trim_start_matches("unix://"))?;
    let (mut from, mut to) = (near.try_clone()?, far.try_clone()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (far, near);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    Ok(())
}

#[test]
fn a_local_port_without_tls_is_used_with_a_warning() {
    let project = Project::in_new_repository("port", ONE, FILE);
    let host = format!("tcp://127.0.0.1:{}", port());
    let run = project.run(&["build", "--push", "--host", &host]).success();
    run.says(&[&format!("warning: {host} has no TLS"), &format!("at {host}"), "1 pushed"]);
    assert!(project.store().has("v1"));
}

/// Runs Debian's `docker context` with the project's own configuration.
pub(crate) fn context(project: &Project, args: &[&str]) {
    let mut command = lab_script("in");
    command.args(["docker", "context"]).args(args);
    command.env_remove("DOCKER_HOST").env("DOCKER_CONFIG", project.path("home/.docker"));
    Running::start(command).end().success();
}

#[test]
fn the_engine_of_the_current_docker_context_is_used() {
    let project = Project::single("saved", FILE);
    let onebuild = |name: Option<&str>| {
        let mut command = project.command(&["build"]);
        command.env_remove("DOCKER_HOST");
        command.envs(name.map(|name| ("DOCKER_CONTEXT", name)));
        Running::start(command).end()
    };
    let near = format!("host={}", lab_env("DOCKER_HOST"));
    context(&project, &["create", "near", "--docker", &near]);
    context(&project, &["create", "far", "--docker", "host=tcp://127.0.0.1:1"]);
    context(&project, &["use", "near"]);
    onebuild(None).success().says(&["1 built", &lab_env("DOCKER_HOST")]);
    onebuild(Some("far")).exits(4).says(&[
        "tcp://127.0.0.1:1 (the docker context `far`): connection refused",
        "check that the port is the engine's",
    ]);
    onebuild(Some("fra")).exits(4).says(&["no docker context `fra`", "docker context ls"]);
}

/// onebuild with an `ssh` of this project that does `then` instead of running a remote command.
fn with_ssh(project: &Project, then: &str) -> Command {
    let script = format!(
        "#!/bin/sh\n\
         echo \"$*\" >>ssh.log\n\
         while [ \"$1\" != -- ]; do shift; done\n\
         shift 2\n\
         DOCKER_HOST={} ONEBUILD_LAB_DIR={}\n\
         export DOCKER_HOST ONEBUILD_LAB_DIR\n\
         {then}\n",
        lab_env("DOCKER_HOST"),
        lab_env("ONEBUILD_LAB_STATE"),
    );
    let program = project.file("bin/ssh", script);
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = project.command(&["build", "--push"]);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [project.path("bin")].into_iter().chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(path).unwrap());
    command.env("DOCKER_HOST", "ssh://me@build.example:2222");
    command
}

/// The relay is Docker's own; a script replaces `ssh`, because there is only one machine.
#[test]
fn an_engine_behind_ssh_builds() {
    let project = Project::in_new_repository("ssh", ONE, FILE);
    let script = lab_script("in");
    let run = format!("exec {} \"$@\"", script.get_program().display());
    let run = Running::start(with_ssh(&project, &run)).end().success();
    run.says(&["at ssh://me@build.example:2222", "1 pushed"]);
    assert!(project.store().has("v1"));
    let log = std::fs::read_to_string(project.path("ssh.log")).unwrap();
    let expected = "-l me -p 2222 -- build.example docker system dial-stdio";
    assert!(log.lines().all(|line| line.ends_with(expected)), "{log}");
}

#[test]
fn errors_of_ssh_are_reported() {
    let project = Project::single("nossh", FILE);
    let refused = "echo 'me@build.example: Permission denied (publickey).' >&2; exit 255";
    Running::start(with_ssh(&project, refused)).end().exits(4).says(&[
        "ssh://me@build.example:2222 (DOCKER_HOST): ssh says: me@build.example: Permission denied",
        "ssh -o BatchMode=yes ssh://me@build.example:2222 docker version",
    ]);
    let rejected = "echo 'Connection closed by 10.0.0.1 port 22' >&2; exit 255";
    Running::start(with_ssh(&project, rejected)).end().exits(4).says(&[
        "ssh says: Connection closed by 10.0.0.1 port 22",
        "raise MaxStartups in its sshd_config",
    ]);
    let mut missing = project.command(&["build"]);
    missing.env("DOCKER_HOST", "ssh://build.example").env("PATH", project.path("bin-none"));
    Running::start(missing).end().exits(4).says(&["ssh is not installed", "install OpenSSH"]);
}
