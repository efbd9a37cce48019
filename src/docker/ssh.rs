//! The command that reaches an engine on another machine: `ssh` runs `docker system dial-stdio` there,
//! which relays between its stdin and stdout and the engine's socket.

use super::SshTarget;
use crate::dial::CommandLine;

impl SshTarget {
    pub(super) fn command(&self) -> CommandLine {
        // Never prompt: no one can answer during a build, and each connection would ask again.
        let mut words = vec!["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"];
        let port = self.port.map(|port| port.to_string());
        if let Some(user) = &self.user {
            words.extend(["-l", user]);
        }
        if let Some(port) = &port {
            words.extend(["-p", port]);
        }
        words.extend(["--", &self.host, "docker"]);
        let socket = self.socket.as_ref().map(|path| format!("unix://{path}"));
        if let Some(socket) = &socket {
            words.extend(["--host", socket]);
        }
        words.extend(["system", "dial-stdio"]);
        CommandLine { program: "ssh", arguments: words.into_iter().map(str::to_owned).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_runs_dockers_own_relay() {
        let target = |socket: Option<&str>| SshTarget {
            user: Some("me".to_owned()),
            host: "build.example".to_owned(),
            port: Some(2222),
            socket: socket.map(str::to_owned),
        };
        let options = "-T -o BatchMode=yes -o ConnectTimeout=20 -l me -p 2222 -- build.example";
        let words = |socket| target(socket).command().arguments.join(" ");
        assert_eq!(words(None), format!("{options} docker system dial-stdio"));
        let other = "docker --host unix:///run/d.sock system dial-stdio";
        assert_eq!(words(Some("/run/d.sock")), format!("{options} {other}"));
    }
}
