//! The debug log describes the network traffic without secrets.
//!
//! Every kind of secret is a canary here. The servers are fakes that repeat everything they
//! receive, in headers and bodies.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::program;

/// A server that records and repeats everything it receives.
struct Parrot {
    address: SocketAddr,
    heard: Arc<Mutex<String>>,
}

impl Parrot {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<String>>::default();
        let parrot = Self { address, heard: heard.clone() };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let heard = heard.clone();
                thread::spawn(move || answer(stream, address, &heard));
            }
        });
        parrot
    }

    fn heard(&self, text: &str) -> bool {
        self.heard.lock().unwrap().contains(text)
    }
}

/// Answers one request and closes the connection. A TLS connection gets no answer.
fn answer(mut stream: TcpStream, at: SocketAddr, heard: &Mutex<String>) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    let complete = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        body.len() >= length.map_or(0, |length| length.parse().unwrap())
    };
    while !complete(&request) {
        match stream.read(&mut chunk) {
            Ok(count @ 1..) => request.extend_from_slice(&chunk[..count]),
            _ => return,
        }
        if request[0] == 0x16 {
            return;
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    heard.lock().unwrap().push_str(&request);
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let login = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.to_ascii_lowercase().ends_with("authorization").then_some(value)
    });
    let echo = format!("{} {sent}", login.unwrap_or_default());
    let token = STANDARD.encode(echo.trim()).replace('=', "");
    let (status, body) = match (path.split('?').next().unwrap(), login) {
        ("/token", _) => ("200 OK", format!("{{\"token\": \"canary-issued-{token}\"}}")),
        ("/list", _) => ("200 OK", "1\n".to_owned()),
        (path, None) if path.starts_with("/v2/") => ("401 Unauthorized", "{}".to_owned()),
        _ => ("403 Forbidden", errors(&echo)),
    };
    let realm = format!("http://{at}/token");
    let challenge = match path.contains("basic") {
        true => "Basic realm=\"x\"".to_owned(),
        false => format!("Bearer realm=\"{realm}\",service=\"x\""),
    };
    let response = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\nserver: {echo}\r\n\
         www-authenticate: {challenge}\r\nx-echo: {echo}\r\nset-cookie: a=canary-cookie\r\n\
         location: /v2/x?_state=canary-state\r\n\
         x-ratelimit-limit: {token}\r\netag: \"{sent}\"\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(response.as_bytes());
}

fn errors(echo: &str) -> String {
    format!("{{\"errors\": [{{\"code\": \"UNKNOWN\", \"message\": \"you sent {echo}\"}}]}}")
}

/// The forms of `secret`: in plain text, and at the three offsets in base64.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for before in 0..3 {
        let encoded = STANDARD.encode(format!("{}{secret}", "x".repeat(before)));
        let first = (before * 8_usize).div_ceil(6);
        forms.push(encoded[first..(before + secret.len()) * 8 / 6].to_owned());
    }
    forms
}

fn holds(text: &str, secret: &str) -> bool {
    forms(secret).iter().any(|form| text.contains(form))
}

#[test]
fn secrets_of_all_kinds_are_not_in_the_log_or_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let [basic, bearer, identity, helper, from, proxy] = std::array::from_fn(|_| Parrot::new());
    let secrets = BTreeMap::from([
        ("basic", "canary-basic-7f3a"),
        ("bearer", "canary-bearer-7f3b"),
        ("identity", "canary-identity-7f3c"),
        ("helper", "canary-helper-7f3d"),
        ("from", "canary-from-7f3e"),
        ("proxy", "canary-proxy-7f3f"),
        ("env", "canary-env-7f40"),
        ("file", "canary-file-7f41"),
        ("argument", "canary-argument-7f42"),
        ("variable", "canary-variable-7f43"),
        ("issued", "canary-issued-"),
        ("cookie", "canary-cookie"),
        ("state", "canary-state"),
    ]);
    fs::write(
        at("matrix.yaml"),
        format!(
            "image: [{}/basic, {}/bearer, {}/identity, {}/helper, registry.invalid/proxy]\n\
             tag: <%v%>\nplatforms: linux/amd64\n\
             axes: {{ v: {{ from: \"http://{}/list?key=canary-query\", token: {{ env: FROM }} }} }}\n\
             secrets: {{ env: {{ env: SECRET }}, file: {{ file: secret.txt }} }}\n",
            basic.address, bearer.address, identity.address, helper.address, from.address
        ),
    )
    .unwrap();
    fs::write(
        at("Dockerfile"),
        "FROM alpine:3.20\nARG TOKEN\nRUN --mount=type=secret,id=env --mount=type=secret,id=file \
         echo $TOKEN\n",
    )
    .unwrap();
    fs::write(at("secret.txt"), secrets["file"]).unwrap();
    let login = |secret: &str| STANDARD.encode(format!("bob:{secret}"));
    let config = format!(
        r#"{{"auths": {{"{}": {{"auth": "{}"}}, "{}": {{"auth": "{}"}},
        "{}": {{"identitytoken": "{}"}}}}, "credHelpers": {{"{}": "canary"}}}}"#,
        basic.address,
        login(secrets["basic"]),
        bearer.address,
        login(secrets["bearer"]),
        identity.address,
        secrets["identity"],
        helper.address
    );
    fs::create_dir(at("login")).unwrap();
    fs::write(at("login/config.json"), config).unwrap();
    let script = format!(
        "#!/bin/sh\nread server\necho {0} >&2\necho '{{\"Username\": \"bob\", \"Secret\": \"{0}\"}}'\n",
        secrets["helper"]
    );
    fs::write(at("docker-credential-canary"), script).unwrap();
    fs::set_permissions(at("docker-credential-canary"), fs::Permissions::from_mode(0o755)).unwrap();
    let authority = rcgen::generate_simple_self_signed(["registry.invalid".to_owned()]).unwrap();
    fs::write(at("ca.pem"), authority.cert.pem()).unwrap();

    let mut command = program::onebuild(folder.path());
    command.args(["matrix", "--push", "--debug", "debug.log", "--build-arg"]);
    command.arg(format!("TOKEN={}", secrets["argument"]));
    command.env("DOCKER_HOST", format!("unix://{}", at("no.sock").display()));
    command.env("DOCKER_CONFIG", at("login")).env("PATH", folder.path());
    command.env("FROM", secrets["from"]).env("SECRET", secrets["env"]);
    command.env("GITHUB_TOKEN", secrets["variable"]);
    command.env("SSL_CERT_FILE", at("ca.pem"));
    command.env("HTTPS_PROXY", format!("http://bob:{}@{}", secrets["proxy"], proxy.address));
    let output = command.output().unwrap();

    let log = fs::read_to_string(at("debug.log")).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{stderr}\n{log}");
    for (kind, secret) in &secrets {
        for (name, text) in [("the log", &log), ("stdout", &stdout), ("stderr", &stderr)] {
            assert!(!holds(text, secret), "{name} holds the secret of kind {kind}:\n{text}");
        }
    }
    for kind in ["basic", "bearer", "helper", "proxy"] {
        // Also inside of a second base64, which the servers create from what they received.
        assert!(
            !holds(&log, &login(secrets[kind])),
            "the log holds the login of kind {kind}:\n{log}"
        );
    }
    assert!(!log.contains("canary-query"), "{log}");

    // The secrets were sent, and the log describes the requests with them.
    assert!(basic.heard(&login(secrets["basic"])));
    assert!(bearer.heard(&login(secrets["bearer"])) && bearer.heard("Bearer canary-issued-"));
    assert!(identity.heard(secrets["identity"]));
    assert!(helper.heard(&login(secrets["helper"])));
    assert!(from.heard(secrets["from"]));
    assert!(proxy.heard(&login(secrets["proxy"])));
    let has = |words: &[&str]| log.lines().any(|line| words.iter().all(|word| line.contains(word)));
    for parrot in [&basic, &bearer, &identity, &helper] {
        let address = parrot.address.to_string();
        assert!(has(&["request", "by=registry method=POST", &address]), "{log}");
        assert!(has(&["credentials looked up", &address]), "{log}");
    }
    for words in [
        &["start", "--build-arg TOKEN=…"][..],
        &["environment", "DOCKER_CONFIG DOCKER_HOST", "GITHUB_TOKEN", "HTTPS_PROXY"],
        &["request", "by=from", "/list?key=…"],
        &["authorised", "authorization=\"Basic …\""],
        &["authorised", "authorization=\"Bearer …\""],
        &["request", "method=POST", "/token"],
        &["connected", "version=HTTP/1.1", &format!("peer={}", basic.address)],
        &["response", "status=403", "location: /v2/x?_state=…"],
        &["credentials", "found=\"identity token\""],
        &["credentials", "asking", "docker-credential-canary"],
        &["request", "url=https://registry.invalid/", &format!("proxy={}", proxy.address)],
        &["failed", "tunnel error"],
        &["docker", "rejected", "no.sock", "DOCKER_HOST"],
        &["[redacted]"],
        &["run", "end code=4"],
    ] {
        assert!(has(words), "no line has {words:?}:\n{log}");
    }
    for line in log.lines().skip(1) {
        let time = line.get(..24).filter(|time| time.starts_with("20") && time.ends_with('Z'));
        assert!(time.is_some() && !line.chars().any(char::is_control), "{line:?}");
    }
}

/// onebuild with a valid matrix.
fn plan(folder: &Path, args: &[&str], variable: Option<&str>) -> std::process::Output {
    let matrix = "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: { v: [1] }\n";
    fs::write(folder.join("matrix.yaml"), matrix).unwrap();
    fs::write(folder.join("Dockerfile"), "FROM alpine:3.20\n").unwrap();
    let mut command = program::onebuild(folder);
    command.arg("plan").args(args).envs(variable.map(|path| ("ONEBUILD_LOG", path)));
    command.output().unwrap()
}

#[test]
fn only_the_owner_can_read_the_log_and_a_second_run_appends_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("debug.log");
    assert!(plan(folder.path(), &["--debug", "debug.log"], None).status.success());
    let first = fs::read_to_string(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(plan(folder.path(), &[], Some("debug.log")).status.success());
    let both = fs::read_to_string(&path).unwrap();
    assert!(both.starts_with(&first) && both.matches(" start ").count() == 2, "{both}");
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");
}

#[test]
fn a_full_disk_ends_the_log_but_not_the_run() {
    let folder = tempfile::tempdir().unwrap();
    assert!(plan(folder.path(), &["--debug", "debug.log"], None).status.success());
    let before = fs::read_to_string(folder.path().join("debug.log")).unwrap();
    // A file size limit has the same effect for a program that ignores the signal: 512 bytes.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} plan --debug debug.log",
        env!("CARGO_BIN_EXE_onebuild")
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).current_dir(folder.path()).env_clear();
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(0), false), "{stderr}");
    assert!(stderr.contains("\nwarning: the debug log is not complete: "), "{stderr}");
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
    let after = fs::read_to_string(folder.path().join("debug.log")).unwrap();
    assert!(after.starts_with(&before) && after.len() <= 1024, "{after}");
}

#[test]
fn without_the_flag_and_with_an_empty_variable_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    assert!(plan(folder.path(), &[], Some("")).status.success());
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["Dockerfile", "matrix.yaml"]);
}

#[test]
fn an_invalid_command_line_is_in_the_log_too() {
    let folder = tempfile::tempdir().unwrap();
    let output = plan(folder.path(), &["--no-such-flag=canary", "--debug=debug.log"], None);
    assert_eq!(output.status.code(), Some(2));
    let log = fs::read_to_string(folder.path().join("debug.log")).unwrap();
    assert!(
        log.contains("\"onebuild plan -…=… --debug=…\"") && log.contains("end code=2"),
        "{log}"
    );
    assert!(!log.contains("canary"), "{log}");
}
