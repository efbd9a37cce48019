//! What of the host a path stands for.

use super::rules::{DOCKER_SOCKET, HOST_CGROUP, HOST_FOLDER};

/// Why a path should not be in a container.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) rule: &'static str,
    pub(super) message: String,
    pub(super) note: Option<&'static str>,
}

/// What the sockets of engines allow.
pub(super) const SOCKET: &str = "who reaches the engine's socket is root on the host: it starts \
                                 any container, with any folder of the host in it";

/// Sockets through which containers are started, by the names of their files.
const SOCKETS: [&str; 7] = [
    "docker.sock",
    "docker.raw.sock",
    "cri-dockerd.sock",
    "containerd.sock",
    "podman.sock",
    "crio.sock",
    "buildkitd.sock",
];

/// Folders that these sockets are in.
const SOCKET_FOLDERS: [&str; 6] =
    ["/run", "/run/containerd", "/run/crio", "/run/podman", "/run/buildkit", "/run/user"];

/// How far a folder's meaning reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// It alone.
    Itself,
    /// It alone, and only where it can be written to.
    Writable,
    /// All that is below it, too.
    Below,
}

/// Folders and files of the host, and what a container finds in them.
const FOLDERS: [(&str, Reach, &str); 31] = [
    ("/", Reach::Itself, "every file of the host"),
    ("/bin", Reach::Writable, "the programs that the host's root runs"),
    ("/boot", Reach::Below, "the kernel that the host starts"),
    ("/etc", Reach::Itself, "the host's users, the hashes of their passwords, and its services"),
    ("/etc/cron.d", Reach::Below, "what the host's root runs by the clock"),
    ("/etc/crontab", Reach::Itself, "what the host's root runs by the clock"),
    ("/etc/docker", Reach::Below, "the engine's configuration and keys"),
    ("/etc/ld.so.preload", Reach::Itself, "what is loaded into every program of the host"),
    ("/etc/pam.d", Reach::Below, "who may log in to the host"),
    ("/etc/passwd", Reach::Writable, "the host's users"),
    ("/etc/shadow", Reach::Itself, "the hashes of the host's passwords"),
    ("/etc/ssh", Reach::Below, "the host's keys, and who may log in to it"),
    ("/etc/sudoers", Reach::Itself, "who becomes root on the host"),
    ("/etc/sudoers.d", Reach::Below, "who becomes root on the host"),
    ("/etc/systemd", Reach::Below, "the host's services"),
    ("/home", Reach::Itself, "the files and keys of every user of the host"),
    ("/lib", Reach::Writable, "the programs that the host's root runs"),
    ("/lib64", Reach::Writable, "the programs that the host's root runs"),
    ("/proc", Reach::Below, "the host's processes and the settings of its kernel"),
    ("/root", Reach::Below, "the files and keys of the host's root"),
    ("/sbin", Reach::Writable, "the programs that the host's root runs"),
    ("/sys", Reach::Below, "the host's devices and the settings of its kernel"),
    ("/usr", Reach::Writable, "the programs that the host's root runs"),
    ("/usr/bin", Reach::Writable, "the programs that the host's root runs"),
    ("/usr/local", Reach::Writable, "the programs that the host's root runs"),
    ("/usr/local/bin", Reach::Writable, "the programs that the host's root runs"),
    ("/usr/sbin", Reach::Writable, "the programs that the host's root runs"),
    ("/var", Reach::Itself, "the data and the logs of every service of the host"),
    (
        "/var/lib",
        Reach::Itself,
        "the data of every service of the host, every container's files too",
    ),
    ("/var/lib/containerd", Reach::Itself, "the files of every container"),
    ("/var/lib/docker", Reach::Itself, "the files of every container, and the engine's own"),
];

/// Judges a mount of `source`, its variables filled in, at `target`.
pub(super) fn judged(source: &str, target: &str, read_only: bool) -> Option<Judged> {
    let path = cleaned(source);
    if is_socket(&path) || (source.contains('$') && is_socket(&cleaned(target))) {
        let note = "`ro` changes nothing: the socket is written to all the same";
        let message = SOCKET.to_owned();
        return Some(Judged { rule: DOCKER_SOCKET, message, note: read_only.then_some(note) });
    }
    let verb = if read_only { "reads" } else { "reads and changes" };
    if path == "/sys/fs/cgroup" || path.starts_with("/sys/fs/cgroup/") {
        let message = format!("the container {verb} the control groups of the host's processes");
        return Some(Judged { rule: HOST_CGROUP, message, note: None });
    }
    let what = folder(&path, read_only)?;
    let message = format!("the container {verb} {what}");
    Some(Judged { rule: HOST_FOLDER, message, note: None })
}

/// The parts of a short form between its colons; those in variables and in `C:\` separate nothing.
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

/// What a device is, where it belongs to the host alone.
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

/// Whether a name below `/dev` is a block device's: `sda1`, `nvme0n1p2`, `mapper/root`.
fn is_disk(name: &str) -> bool {
    const LETTERED: [&str; 4] = ["sd", "hd", "vd", "xvd"];
    const NUMBERED: [&str; 8] = ["nvme", "mmcblk", "md", "dm-", "loop", "nbd", "rbd", "pmem"];
    const FOLDERS: [&str; 3] = ["disk", "mapper", "block"];
    let lettered = |rest: &str| {
        let letters = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        matches!(letters.len(), 1..=2) && letters.chars().all(|c| c.is_ascii_lowercase())
    };
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    FOLDERS.contains(&name.split('/').next().unwrap_or_default())
        || LETTERED.iter().any(|disk| name.strip_prefix(disk).is_some_and(lettered))
        || NUMBERED.iter().any(|disk| name.strip_prefix(disk).is_some_and(numbered))
}

fn is_socket(path: &str) -> bool {
    let lower = path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let folder = lower.strip_prefix("/var").unwrap_or(&lower);
    let users = folder.strip_prefix("/run/user/").is_some_and(|user| !user.contains('/'));
    SOCKETS.contains(&name)
        || SOCKET_FOLDERS.contains(&folder)
        || users
        || ["/pipe/docker_engine", "/pipe/containerd-containerd"].iter().any(|p| lower.ends_with(p))
}

fn folder(path: &str, read_only: bool) -> Option<&'static str> {
    // `C:` is the root of a drive.
    let is_drive = path.len() == 2 && path.ends_with(':');
    let path = if is_drive { "/" } else { path };
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let known = FOLDERS.iter().find(|(folder, reach, _)| match reach {
        Reach::Itself => *folder == path,
        Reach::Writable => *folder == path && !read_only,
        Reach::Below => *folder == path || below(folder),
    });
    known.map(|(.., what)| *what)
}

/// A path with forward slashes and without detours, as far as its text tells.
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
