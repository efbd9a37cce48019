//! The names of the rules, and tables of keys and capabilities.

pub(super) const PRIVILEGED: &str = "privileged";
pub(super) const DOCKER_SOCKET: &str = "docker-socket";
pub(super) const CAPABILITY: &str = "capability";
pub(super) const HOST_DIRECTORY: &str = "host-folder";
pub(super) const HOST_CGROUP: &str = "host-cgroup";
pub(super) const UNCONFINED: &str = "unconfined";
pub(super) const HOST_DEVICE: &str = "host-device";

/// Keys for which the value `host` is a finding: key, rule, and what it allows.
pub(super) const HOST: [(&str, &str, &str); 5] = [
    (
        "network_mode",
        "host-network",
        "the container uses the host's network: it can listen on any port, and reach \
         services that listen only on the host itself",
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
        "root in the container is root on the host, even if the engine uses user namespaces",
    ),
    (
        "cgroup",
        HOST_CGROUP,
        "the container sees the control groups of the host, and with enough permissions it can move and \
         limit its processes",
    ),
];

/// Capabilities with effects beyond the container, and what each allows.
///
/// Source: <https://man7.org/linux/man-pages/man7/capabilities.7.html>
pub(super) const CAPABILITIES: [(&str, &str); 14] = [
    ("ALL", "every permission that root on the host has in the kernel"),
    (
        "SYS_ADMIN",
        "mounting, namespaces and most other rights of root: a known way to escape to the host",
    ),
    ("SYS_MODULE", "loading code into the kernel of the host"),
    ("SYS_RAWIO", "reading and writing the host's memory, ports and disks directly"),
    ("SYS_PTRACE", "reading and changing the memory of every process that the container sees"),
    ("SYS_BOOT", "restarting the host, or starting another kernel on it"),
    ("SYS_TIME", "setting the host's clock"),
    ("SYSLOG", "reading the kernel's log and the addresses in it"),
    ("NET_ADMIN", "changing addresses, routes and firewall of its network"),
    (
        "DAC_READ_SEARCH",
        "reading every file of the host by its inode number, regardless of its permissions",
    ),
    ("BPF", "running its own programs in the host's kernel"),
    ("PERFMON", "monitoring what runs on the host's processors"),
    ("MAC_ADMIN", "changing the host's AppArmor or SELinux policy"),
    ("MAC_OVERRIDE", "bypassing the host's mandatory access control"),
];
