//! Engines that are refused because of what they report about themselves.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::project::Project;

/// Answers every request with `version`, as `GET /version` would, as long as the test runs. Requests
/// whose path contains one of `refused` get this status.
fn engine(
    socket: &Path,
    version: &'static str,
    refused: &'static [&'static str],
    status: &'static str,
) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut byte) {
                    Ok(1) => head.push(byte[0]),
                    _ => break,
                }
            }
            let head = String::from_utf8_lossy(&head);
            let line = head.lines().next().unwrap_or_default();
            let is_refused = refused.iter().any(|path| line.contains(path));
            let (status, body) = if is_refused { (status, "{}") } else { ("200 OK", version) };
            // A connection that only checks for a listener sends no request.
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
}

#[test]
fn unsupported_engines_are_refused_with_their_name_and_version() {
    for (version, says) in [
        (
            r#"{"Platform":{"Name":"linux/amd64/debian-12"},"Components":[{"Name":"Podman Engine",
                "Version":"4.3.1","Details":{"APIVersion":"4.3.1"}}],"Version":"4.3.1",
                "ApiVersion":"1.41","MinAPIVersion":"1.24"}"#,
            &["Podman 4.3.1 answers at unix://", "it has no BuildKit", "start Docker Engine 26.0"]
                [..],
        ),
        (
            r#"{"Version":"24.0.7-ce","ApiVersion":"1.43"}"#,
            &["is too old: it is Docker Engine 24.0.7-ce (API 1.43)", "onebuild needs 26.0"],
        ),
        (
            r#"{"Version":"dev","ApiVersion":"1.44"}"#,
            &["is too old: it is Docker Engine dev (API 1.44)", "update Docker"],
        ),
    ] {
        let project = Project::family();
        let socket = project.path("engine.sock");
        engine(&socket, version, &[], "");
        let host = format!("unix://{}", socket.display());
        for command in ["build", "matrix", "lint"] {
            project.run(&[command, "--host", &host]).exits(4).says(says);
        }
    }
}

#[test]
fn a_proxy_that_does_not_let_buildkit_through_is_named_with_what_it_must_let_through() {
    // The answer to GET /version and to GET /info.
    let engine_of_today = r#"{"Version":"28.5.2","ApiVersion":"1.51","OSType":"linux",
        "Architecture":"x86_64","NCPU":2}"#;
    for (refused, status, says) in [
        (&["/grpc"][..], "403 Forbidden", "POST /grpc: it answered 403 Forbidden; gRPC: it "),
        (&["/grpc"], "404 Not Found", "POST /grpc: it answered 404 Not Found; gRPC: it "),
        (&["/info"], "403 Forbidden", "did not describe itself"),
    ] {
        let project = Project::family();
        let socket = project.path("engine.sock");
        engine(&socket, engine_of_today, refused, status);
        let host = format!("unix://{}", socket.display());
        let help =
            "must let GET /version, GET /info and POST /grpc (with its Upgrade headers) or gRPC";
        project.run(&["build", "--host", &host]).exits(4).says(&[says, help]);
    }
}
