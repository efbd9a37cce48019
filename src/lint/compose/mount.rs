//! What a mounted path gives access to on the host.

use super::rules::{DOCKER_SOCKET, HOST_CGROUP, HOST_DIRECTORY};

/// Why a path should not be mounted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) rule: &'static str,
    pub(super) message: String,
    pub(super) note: Option<&'static str>,
}

/// The access that an engine's socket gives.
pub(super) const SOCKET: &str = "access to the engine's socket is root access to the host: the container can start \
                                 any container, with any directory of the host mounted";

/// Sockets that can start containers, by file name.
const SOCKETS: [&str; 7] = [
    "docker.sock",
    "docker.raw.sock",
    "cri-dockerd.sock",
    "containerd.sock",
    "podman.sock",
    "crio.sock",
    "buildkitd.sock",
];

/// Directories that contain these sockets.
const SOCKET_DIRECTORIES: [&str; 6] =
    ["/run", "/run/containerd", "/run/crio", "/run/podman", "/run/buildkit", "/run/user"];

/// The scope of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Only this path.
    Itself,
    /// Only this path, and only if it is writable.
    Writable,
    /// This path and everything below it.
    Below,
}

/// Directories and files of the host, and what they contain.
const DIRECTORIES: [(&str, Reach, &str); 31] = [
    ("/", Reach::Itself, "every file of the host"),
    ("/bin", Reach::Writable, "the programs that root runs on the host"),
    ("/boot", Reach::Below, "the kernel that the host starts"),
    ("/etc", Reach::Itself, "the host's users, the hashes of their passwords, and its services"),
    ("/etc/cron.d", Reach::Below, "the scheduled jobs of root on the host"),
    ("/etc/crontab", Reach::Itself, "the scheduled jobs of root on the host"),
    ("/etc/docker", Reach::Below, "the engine's configuration and keys"),
    (
        "/etc/ld.so.preload",
        Reach::Itself,
        "the libraries that are loaded into every program on the host",
    ),
    ("/etc/pam.d", Reach::Below, "who may log in to the host"),
    ("/etc/passwd", Reach::Writable, "the host's users"),
    ("/etc/shadow", Reach::Itself, "the hashes of the host's passwords"),
    ("/etc/ssh", Reach::Below, "the host's keys, and who may log in to it"),
    ("/etc/sudoers", Reach::Itself, "who can become root on the host"),
    ("/etc/sudoers.d", Reach::Below, "who can become root on the host"),
    ("/etc/systemd", Reach::Below, "the host's services"),
    ("/home", Reach::Itself, "the files and keys of every user of the host"),
    ("/lib", Reach::Writable, "the programs that root runs on the host"),
    ("/lib64", Reach::Writable, "the programs that root runs on the host"),
    ("/proc", Reach::Below, "the host's processes and the settings of its kernel"),
    ("/root", Reach::Below, "the files and keys of root on the host"),
    ("/sbin", Reach::Writable, "the programs that root runs on the host"),
    ("/sys", Reach::Below, "the host's devices and the settings of its kernel"),
    ("/usr", Reach::Writable, "the programs that root runs on the host"),
    ("/usr/bin", Reach::Writable, "the programs that root runs on the host"),
    ("/usr/local", Reach::Writable, "the programs that root runs on the host"),
    ("/usr/local/bin", Reach::Writable, "the programs that root runs on the host"),
    ("/usr/sbin", Reach::Writable, "the programs that root runs on the host"),
    ("/var", Reach::Itself, "the data and the logs of every service of the host"),
    (
        "/var/lib",
        Reach::Itself,
        "the data of every service of the host, including the files of every container",
    ),
    ("/var/lib/containerd", Reach::Itself, "the files of every container"),
    ("/var/lib/docker", Reach::Itself, "the files of every container, and the engine's own"),
];

/// The finding for a mount of `source` at `target`, with variables expanded.
pub(super) fn judged(source: &str, target: &str, read_only: bool) -> Option<Judged> {
    let path = cleaned(source);
    if is_socket(&path) || (source.contains('$') && is_socket(&cleaned(target))) {
        let note = "`ro` does not help: programs can still write to the socket";
        let message = SOCKET.to_owned();
        return Some(Judged { rule: DOCKER_SOCKET, message, note: read_only.then_some(note) });
    }
    let verb = if read_only { "reads" } else { "reads and changes" };
    if path == "/sys/fs/cgroup" || path.starts_with("/sys/fs/cgroup/") {
        let message = format!("the container {verb} the control groups of the host's processes");
        return Some(Judged { rule: HOST_CGROUP, message, note: None });
    }
    let what = directory(&path, read_only)?;
    let message = format!("the container {verb} {what}");
    Some(Judged { rule: HOST_DIRECTORY, message, note: None })
}

/// Splits a short form at its colons, except those in variables and in `C:\`.
pub(super) fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => {
                let is_drive = at == start + 1
                    && bytes[start].is_ascii_alphabetic()
                    && matches!(bytes.get(at + 1), Some(b'\\' | b'/'));
                if !is_drive {
                    parts.push(&text[start..at]);
                    start = at + 1;
                }
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Describes a device that gives access to the host.
pub(super) fn device(source: &str) -> Option<&'static str> {
    let path = cleaned(source);
    match path.as_str() {
        "/dev" => Some("every device of the host"),
        "/dev/mem" | "/dev/kmem" | "/dev/port" => Some("the memory of the host"),
        path => {
            path.strip_prefix("/dev/").filter(|name| is_disk(name)).map(|_| "a disk of the host")
        }
    }
}

/// Whether a name below `/dev` is that of a block device: `sda1`, `nvme0n1p2`, `mapper/root`.
fn is_disk(name: &str) -> bool {
    const LETTERED: [&str; 4] = ["sd", "hd", "vd", "xvd"];
    const NUMBERED: [&str; 8] = ["nvme", "mmcblk", "md", "dm-", "loop", "nbd", "rbd", "pmem"];
    const DIRECTORIES: [&str; 3] = ["disk", "mapper", "block"];
    let lettered = |rest: &str| {
        let letters = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        matches!(letters.len(), 1..=2) && letters.chars().all(|c| c.is_ascii_lowercase())
    };
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    DIRECTORIES.contains(&name.split('/').next().unwrap_or_default())
        || LETTERED.iter().any(|disk| name.strip_prefix(disk).is_some_and(lettered))
        || NUMBERED.iter().any(|disk| name.strip_prefix(disk).is_some_and(numbered))
}

fn is_socket(path: &str) -> bool {
    let lower = path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let directory = lower.strip_prefix("/var").unwrap_or(&lower);
    let users = directory.strip_prefix("/run/user/").is_some_and(|user| !user.contains('/'));
    SOCKETS.contains(&name)
        || SOCKET_DIRECTORIES.contains(&directory)
        || users
        || ["/pipe/docker_engine", "/pipe/containerd-containerd"].iter().any(|p| lower.ends_with(p))
}

fn directory(path: &str, read_only: bool) -> Option<&'static str> {
    // `C:` is the root of a drive.
    let is_drive = path.len() == 2 && path.ends_with(':');
    let path = if is_drive { "/" } else { path };
    let below =
        |directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    let known = DIRECTORIES.iter().find(|(directory, reach, _)| match reach {
        Reach::Itself => *directory == path,
        Reach::Writable => *directory == path && !read_only,
        Reach::Below => *directory == path || below(directory),
    });
    known.map(|(.., what)| *what)
}

/// A path with forward slashes, and without `.` and `..` as far as possible.
fn cleaned(path: &str) -> String {
    let path = path.trim().replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let start = if path.starts_with('/') { "/" } else { "" };
    format!("{start}{}", parts.join("/"))
}
