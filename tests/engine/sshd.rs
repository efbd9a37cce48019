//! An engine behind a real sshd, which runs on this machine for one test: Debian's, see tests/lab/sshd.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{Project, Run, Running, lab_env, lab_script, until};

const FILE: &str = "FROM alpine:3.20\nRUN echo <%n%> >/n\n";

/// 16 cells with smoke tests.
const MATRIX: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\n\
     axes: { n: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] }\n\
     test: test -s /n\n";

/// A running sshd, and an `ssh` that knows it. Both end with this.
struct Sshd<'p> {
    project: &'p Project,
    server: Running,
    port: u16,
}

fn executable(path: &Path, script: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

impl<'p> Sshd<'p> {
    /// Starts an sshd with further lines of configuration. Its `docker` is the lab's.
    fn start(project: &'p Project, more: &str) -> Self {
        let at = |name: &str| project.path(name).display().to_string();
        for name in ["key", "host", "other"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", &at(name)]);
            Running::start(keygen).end().success();
        }
        std::fs::copy(project.path("key.pub"), project.path("authorized")).unwrap();
        let docker = lab_script("in");
        let docker = format!("exec {} docker \"$@\"", docker.get_program().display());
        executable(&project.path("far/docker"), &docker);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
             PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n\
             SetEnv PATH={}:/usr/sbin:/usr/bin:/sbin:/bin DOCKER_HOST={} ONEBUILD_LAB_DIR={}\n{more}\n",
            at("host"),
            at("authorized"),
            at("far"),
            lab_env("DOCKER_HOST"),
            lab_env("ONEBUILD_LAB_STATE"),
        );
        let config = project.file("sshd_config", server);
        let mut command = lab_script("sshd");
        command.arg(config);
        let server = Running::start(command);
        let sshd = Self { project, server, port };
        let minute = Duration::from_secs(60);
        until("sshd listens", minute, || sshd.server.stderr().contains("Server listening"));
        sshd.knows("host.pub");
        let client = format!(
            "IdentityFile {}\nIdentitiesOnly yes\nUserKnownHostsFile {}\nStrictHostKeyChecking yes\n",
            at("key"),
            at("known")
        );
        let client = project.file("ssh_config", client);
        // The real one, without the settings of the user who runs the tests.
        let ssh = format!("echo >>ssh.log\nexec /usr/bin/ssh -F {} \"$@\"", client.display());
        executable(&project.path("bin/ssh"), &ssh);
        sshd
    }

    /// Makes the client expect another host key.
    fn knows(&self, key: &str) {
        let key = std::fs::read_to_string(self.project.path(key)).unwrap();
        self.project.file("known", format!("[127.0.0.1]:{} {key}", self.port));
    }

    fn host(&self) -> String {
        format!("ssh://root@127.0.0.1:{}", self.port)
    }

    /// Runs onebuild with this engine.
    fn run(&self, args: &[&str]) -> Run {
        let mut command = self.project.command(args);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.project.path("bin").display()));
        command.env("DOCKER_HOST", self.host());
        Running::start(command).end()
    }

    /// How many times `ssh` was started.
    fn connections(&self) -> usize {
        std::fs::read_to_string(self.project.path("ssh.log")).unwrap().lines().count()
    }
}

/// sshd rejects every connection while two others log in.
#[test]
fn sixteen_cells_share_few_connections_and_rejected_ones_are_tried_again() {
    let project = Project::new("sshd", MATRIX, "");
    // Images that are new in each run of the tests.
    project.file("context/Dockerfile", format!("{FILE}LABEL run={}\n", project.nonce()));
    let sshd = Sshd::start(&project, "MaxStartups 2:100:2");
    let run = sshd.run(&["matrix", "--push", "--jobs", "16"]).success();
    run.says(&["16 pushed", &format!("at {}", sshd.host())]);
    assert!((1..=16).all(|n| project.store().has(&format!("v{n}"))));
    // A test needs two connections for its container. Without sharing, each of a
    // dozen requests would need one.
    let connections = sshd.connections();
    assert!(connections < 6 * 16, "{connections} connections");
}

#[test]
fn what_ssh_says_is_in_the_error() {
    let project = Project::single("sshd-errors", "FROM scratch\nCOPY Dockerfile /\n");
    let sshd = Sshd::start(&project, "");
    let fails = |expected: &str| {
        let run = sshd.run(&["build"]).exits(4);
        run.says(&[&format!("{} (DOCKER_HOST): ssh says: ", sshd.host()), expected]);
    };
    sshd.knows("other.pub");
    fails("Host key verification failed.");
    sshd.knows("host.pub");
    std::fs::rename(project.path("far/docker"), project.path("far/none")).unwrap();
    fails("docker: command not found");
    std::fs::copy(project.path("other.pub"), project.path("authorized")).unwrap();
    fails("Permission denied (publickey");
}
