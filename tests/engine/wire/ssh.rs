//! SSH agents of build steps.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::support::{Project, Running};

/// An SSH agent with one key and a recognisable signature; it ends with the process.
struct Agent {
    /// The types of the messages that it received, in order.
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

/// Lists the keys, requests a signature, and tries to remove all keys: on separate connections, and
/// then on one.
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
fn a_step_may_only_list_and_sign() {
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
        // Its existence was checked without a request.
        assert_eq!(agent.asked(), [11, 13, 11, 13]);
    }
}

#[test]
fn a_missing_agent_is_reported_with_help() {
    let step = "FROM alpine:3.20\nRUN --mount=type=ssh,required=true true\n";
    let project = Project::single("nossh", step);
    let run = project.run(&["build"]).exits(1);
    run.says(&["no SSH agent is forwarded as `default`", "Dockerfile:2", "--ssh default"]);
}

#[test]
fn an_unusable_agent_or_key_is_reported_before_anything_is_built() {
    let project = Project::single("badssh", "FROM alpine:3.20\nRUN true\n");
    make_key(&project, "locked", &["-t", "ed25519", "-N", "passphrase"]);
    make_key(&project, "older", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]);
    project.file("empty", "");
    for (flag, words) in [
        ("default", ["SSH_AUTH_SOCK is not set", "ssh-agent"]),
        ("a=gone.sock", ["cannot use the SSH agent `a`: gone.sock: no such file", "--ssh a=PATH"]),
        (
            "a=locked",
            ["the SSH key of `a` cannot be used: locked: it is encrypted", "ssh-add locked"],
        ),
        ("a=locked.pub", ["locked.pub: it contains a public key", "--ssh a=locked"]),
        ("a=older", ["older: it is a private key in an older format", "ssh-keygen -p -f older"]),
        ("a=empty", ["empty: it does not contain an OpenSSH private key", "--ssh a=PATH"]),
    ] {
        let run = project.run(&["build", "--ssh", flag]).exits(4).says(&words);
        run.never_says(&["BEGIN", "ssh-ed25519", "os error"]);
    }
}

/// Creates a key with ssh-keygen.
fn make_key(project: &Project, name: &str, args: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-C", "canary-comment", "-f"]).arg(project.path(name)).args(args);
    Running::start(command).end().success();
}

/// Lists the keys; requests a signature with each, and writes it to a signature file; sends
/// requests that are not allowed.
const SIGN: &str = r#"
import base64, hashlib, os, socket, struct
def connect():
    agent = socket.socket(socket.AF_UNIX)
    agent.connect(os.environ["SSH_AUTH_SOCK"])
    return agent
def ask(message):
    agent.sendall(string(message))
    head = agent.recv(4, socket.MSG_WAITALL)
    return agent.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL)
def string(content):
    return struct.pack(">I", len(content)) + content
def take(content):
    end = 4 + struct.unpack(">I", content[:4])[0]
    return content[4:end], content[end:]
agent = connect()
listed = ask(bytes([11]))
assert listed[0] == 12
count, rest = struct.unpack(">I", listed[1:5])[0], listed[5:]
head = string(b"onebuild") + string(b"") + string(b"sha512")
signed = b"SSHSIG" + head + string(hashlib.sha512(b"message").digest())
os.mkdir("/signed")
for number in range(count):
    key, rest = take(rest)
    comment, rest = take(rest)
    assert comment == b""
    request = bytes([13]) + string(key) + string(signed)
    answer = ask(request + struct.pack(">I", 4))
    assert answer[0] == 14, answer
    kind, key_text = take(key)[0], base64.b64encode(key).decode()
    signature = b"SSHSIG" + struct.pack(">I", 1) + string(key) + head + answer[1:]
    text = base64.encodebytes(signature).decode()
    text = f"-----BEGIN SSH SIGNATURE-----\n{text}-----END SSH SIGNATURE-----\n"
    open(f"/signed/{number}", "w").write(text)
    open(f"/signed/{number}.pub", "w").write(f"{kind.decode()} {key_text}\n")
    assert kind != b"ssh-rsa" or ask(request + struct.pack(">I", 0)) == b"\5", "SHA-1"
assert rest == b""
other = bytes([13]) + string(b"another key") + string(signed) + struct.pack(">I", 0)
for message in [other, b"\x0d", b"\x11", b"\x12", b"\x13", b"\x16", b"\x19", b"\x1b", b""]:
    assert ask(message) == b"\5", message
"#;

#[test]
fn keys_from_files_sign_and_openssh_agrees() {
    let project = Project::single(
        "sshkeys",
        "FROM ubuntu:24.04\nARG NONCE\nCOPY sign.py /\n\
         RUN --mount=type=ssh,required=true python3 /sign.py\n\
         RUN mv /signed /all\n\
         RUN --mount=type=ssh,id=one,required=true python3 /sign.py\n",
    );
    project.file("context/sign.py", SIGN);
    let kinds: [&[&str]; 5] = [
        &["-t", "ed25519"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
    ];
    for (number, kind) in kinds.iter().enumerate() {
        make_key(&project, &format!("key{number}"), &[kind, &["-N", ""][..]].concat());
    }
    let nonce = format!("NONCE={}", project.nonce());
    let keys = ["--ssh", "default=key0,key1,key2,key3,key4", "--ssh", "one=key4"];
    let tree = project.tree(&[&["--build-arg", &nonce], &keys[..]].concat());
    let signed = (0..5).map(|number| (format!("all/{number}"), format!("key{number}.pub")));
    for (signature, public) in signed.chain([("signed/0".to_owned(), "key4.pub".to_owned())]) {
        let used = fs::read_to_string(tree.join(format!("{signature}.pub"))).unwrap();
        let known = fs::read_to_string(project.path(&public)).unwrap();
        assert_eq!(known.trim_end(), format!("{} canary-comment", used.trim_end()), "{signature}");
        let mut command = Command::new("sh");
        command
            .args(["-c", "printf message | ssh-keygen -Y check-novalidate -n onebuild -s \"$1\""]);
        command.arg("sh").arg(tree.join(&signature));
        Running::start(command).end().success();
    }
}
