//! The rules by their names, and the words of those that are lists.

pub(super) const PRIVILEGED: &str = "privileged";
pub(super) const DOCKER_SOCKET: &str = "docker-socket";
pub(super) const CAPABILITY: &str = "capability";
pub(super) const HOST_FOLDER: &str = "host-folder";
pub(super) const HOST_CGROUP: &str = "host-cgroup";
pub(super) const UNCONFINED: &str = "unconfined";
pub(super) const HOST_DEVICE: &str = "host-device";

/// Keys whose value `host` is a rule: key, rule, and what it allows.
pub(super) const HOST: [(&str, &str, &str); 5] = [
    (
        "network_mode",
        "host-network",
        "the container uses the host's network as its own: it listens on any port, and reaches \
         what listens on the host alone",
    ),
    (
        "pid",
        "host-pid",
        "the container sees every process of the host with its arguments, and its root can stop, \
         trace and read them",
    ),
    (
        "ipc",
        "host-ipc",
        "the container shares the memory segments and queues of the host's processes: it can read \
         and change them",
    ),
    (
        "userns_mode",
        "host-users",
        "root in the container is root of the host, even where the engine keeps the two apart",
    ),
    (
        "cgroup",
        HOST_CGROUP,
        "the container sees the control groups of the host, and with the rights to it moves and \
         limits its processes",
    ),
];

/// Capabilities that reach beyond the container, and what each allows.
///
/// Source: <https://man7.org/linux/man-pages/man7/capabilities.7.html>
pub(super) const CAPABILITIES: [(&str, &str); 14] = [
    ("ALL", "every right that root of the host has over the kernel"),
    ("SYS_ADMIN", "mounting, namespaces and most of what root may do: a known way to the host"),
    ("SYS_MODULE", "loading code into the kernel of the host"),
    ("SYS_RAWIO", "reading and writing the host's memory, ports and disks directly"),
    ("SYS_PTRACE", "reading and changing the memory of every process that the container sees"),
    ("SYS_BOOT", "restarting the host, or starting another kernel on it"),
    ("SYS_TIME", "setting the host's clock"),
    ("SYSLOG", "reading the kernel's log and the addresses in it"),
    ("NET_ADMIN", "changing addresses, routes and firewall of its network"),
    ("DAC_READ_SEARCH", "reading every file of the host past its permissions, by its number"),
    ("BPF", "running programs of its own in the host's kernel"),
    ("PERFMON", "watching what runs on the host's processors"),
    ("MAC_ADMIN", "changing the host's AppArmor or SELinux policy"),
    ("MAC_OVERRIDE", "passing by the host's access policy"),
];
