//! Agents that steps sign with.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::support::{Project, Running};

/// An SSH agent with one key and an odd way to sign; it ends with the process.
struct Agent {
    /// The types of the messages that reached it, in order.
    asked: Arc<Mutex<Vec<u8>>>,
}

impl Agent {
    fn listen(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let asked = Arc::<Mutex<Vec<u8>>>::default();
        let heard = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = heard.clone();
                std::thread::spawn(move || serve(stream, &heard));
            }
        });
        Self { asked }
    }

    fn asked(&self) -> Vec<u8> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: UnixStream, heard: &Mutex<Vec<u8>>) -> Option<()> {
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        let mut rest = vec![0; length - 1];
        stream.read_exact(&mut rest).ok()?;
        heard.lock().unwrap().push(head[4]);
        let answer: Vec<u8> = match head[4] {
            11 => [&[12, 0, 0, 0, 1][..], b"\0\0\0\x03key", b"\0\0\0\x07comment"].concat(),
            13 => [&[14][..], &rest].concat(),
            _ => vec![6],
        };
        let length = u32::try_from(answer.len()).unwrap();
        stream.write_all(&[&length.to_be_bytes(), &answer[..]].concat()).ok()?;
    }
}

/// Lists the keys, has something signed, and tries to remove all keys: on a connection each, and
/// then all on one.
const ASK: &str = r#"
import os, socket, struct
def connect():
    agent = socket.socket(socket.AF_UNIX)
    agent.connect(os.environ["SSH_AUTH_SOCK"])
    return agent
def ask(agent, message):
    agent.sendall(struct.pack(">I", len(message)) + message)
    head = agent.recv(4, socket.MSG_WAITALL)
    return agent.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL)
long = bytes(100_000)
messages = [bytes([11]), bytes([13]) + long, bytes([19])]
listed = b"\x0c\0\0\0\1\0\0\0\x03key\0\0\0\x07comment"
wanted = [listed, bytes([14]) + long, bytes([5])]
assert [ask(connect(), message) for message in messages] == wanted
agent = connect()
assert [ask(agent, message) for message in messages] == wanted
"#;

#[test]
fn a_step_may_list_and_sign_and_do_no_more() {
    let project = Project::single(
        "ssh",
        "FROM ubuntu:24.04\nARG NONCE\nCOPY ask.py /\n\
         RUN --mount=type=ssh,required=true python3 /ask.py\n\
         RUN --mount=type=ssh,id=other,required=true python3 /ask.py\n",
    );
    project.file("context/ask.py", ASK);
    let (running, other) = (project.path("running.sock"), project.path("other.sock"));
    let agents = [&running, &other].map(|socket| Agent::listen(socket));
    let nonce = format!("NONCE={}", project.nonce());
    let args = ["build", "--build-arg", &nonce, "--ssh", "default", "--ssh", "other=other.sock"];
    let mut command = project.command(&args);
    command.env("SSH_AUTH_SOCK", &running);
    Running::start(command).end().success();
    for agent in agents {
        // Whether it is there was found out without a question.
        assert_eq!(agent.asked(), [11, 13, 11, 13]);
    }
}

#[test]
fn an_agent_that_nobody_forwards_says_how_to_forward_it() {
    let step = "FROM alpine:3.20\nRUN --mount=type=ssh,required=true true\n";
    let project = Project::single("nossh", step);
    let run = project.run(&["build"]).exits(1);
    run.says(&["no SSH agent is forwarded as `default`", "Dockerfile:2", "--ssh default"]);
}

#[test]
fn an_agent_that_is_none_is_told_before_anything_is_built() {
    let project = Project::single("badssh", "FROM alpine:3.20\nRUN true\n");
    project.file("id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    for (flag, words) in [
        ("default", ["SSH_AUTH_SOCK is not set", "ssh-agent"]),
        ("a=gone.sock", ["out of reach: gone.sock", "--ssh a=PATH"]),
        ("a=id_ed25519", ["id_ed25519 of the SSH agent `a` is a file", "ssh-add id_ed25519"]),
    ] {
        project.run(&["build", "--ssh", flag]).exits(4).says(&words);
    }
}
