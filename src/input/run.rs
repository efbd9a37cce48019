//! Settings for the containers of `RUN` steps.
//!
//! Sources: <https://docs.docker.com/reference/cli/docker/buildx/build/> and
//! <https://github.com/docker/go-units>, whose forms these are.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// Settings for the containers of `RUN` steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RunSettings {
    /// The size of `/dev/shm`.
    pub shm_size: Option<ByteSize>,
    /// Limits of processes, by name: `nofile`.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// The parent of the steps' control groups on the engine's machine.
    pub cgroup_parent: Option<Arc<str>>,
    /// Lines of `/etc/hosts`: the addresses of each name.
    pub add_hosts: BTreeMap<String, HostAddresses>,
}

impl RunSettings {
    /// These settings with `over` on top.
    pub(super) fn overlay(&mut self, over: &Self) {
        self.shm_size = over.shm_size.or(self.shm_size);
        self.ulimits.extend(over.ulimits.clone());
        self.cgroup_parent = over.cgroup_parent.clone().or(self.cgroup_parent.take());
        self.add_hosts.extend(over.add_hosts.clone());
    }

    /// Whether a name has the address of the engine's machine, which only the engine knows.
    pub(crate) fn needs_gateway(&self) -> bool {
        self.add_hosts.values().any(|addresses| *addresses == HostAddresses::Gateway)
    }

    /// Bytes that only these settings hold.
    pub(super) fn own_size(&self) -> usize {
        let names = self.ulimits.keys().chain(self.add_hosts.keys());
        names.map(|name| name.len() + 64).sum()
    }
}

/// A number of bytes, written as `64m` or `1.5GiB`; units count in 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            || format!("`{text}` is not a size: write a number with a unit, such as 64m or 2g");
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
        let (number, unit) = lower.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let unit = unit.trim_start();
        let letter = unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(unit);
        let power = match (letter, unit) {
            ("", "ib") => return Err(wrong()),
            ("", _) => 0,
            ("k", _) => 1,
            ("m", _) => 2,
            ("g", _) => 3,
            ("t", _) => 4,
            ("p", _) => 5,
            _ => return Err(wrong()),
        };
        let bytes = number * 1024_f64.powi(power);
        // BuildKit's number is signed.
        if bytes >= i64::MAX as f64 {
            return Err(format!("`{text}` is too large for a size"));
        }
        Ok(Self(bytes as u64))
    }
}

/// In bytes, or in the largest unit without a remainder: `64m`.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10)];
        match units.into_iter().find(|(_, size)| self.0 > 0 && self.0.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{}{unit}", self.0 / size),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A limit of processes, written as `SOFT` or `SOFT:HARD`; -1 is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ulimit {
    pub soft: i64,
    pub hard: i64,
}

/// The names of limits that Docker knows.
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

impl FromStr for Ulimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| {
            part.trim().parse::<i64>().map_err(|_| {
                format!("`{text}` is not a limit: write SOFT or SOFT:HARD, such as 1024:2048")
            })
        };
        let (soft, hard) = text.split_once(':').unwrap_or((text, text));
        let limit = Self { soft: number(soft)?, hard: number(hard)? };
        if limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard) {
            return Err(format!("the soft limit of `{text}` is higher than the hard one"));
        }
        Ok(limit)
    }
}

impl fmt::Display for Ulimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.soft, self.hard)
    }
}

/// The addresses of a name in `/etc/hosts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostAddresses {
    /// `host-gateway`: the engine's machine as its containers see it.
    Gateway,
    Known(Vec<IpAddr>),
}

/// Docker's word for the engine's machine.
const GATEWAY: &str = "host-gateway";

impl FromStr for HostAddresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == GATEWAY {
            return Ok(Self::Gateway);
        }
        let address = |part: &str| {
            let part = part.trim();
            let inner = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            inner.unwrap_or(part).parse::<IpAddr>().map_err(|_| {
                format!("`{part}` is not an IP address: write one such as 10.0.0.1, or {GATEWAY}")
            })
        };
        text.split(',').map(address).collect::<Result<_, _>>().map(Self::Known)
    }
}

impl fmt::Display for HostAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway => f.write_str(GATEWAY),
            Self::Known(addresses) => {
                let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(","))
            }
        }
    }
}

/// Splits `NAME=LIMIT`, as in a list or a flag.
pub(crate) fn ulimit(text: &str) -> Result<(&str, &str), String> {
    let (name, limit) = text.split_once('=').ok_or_else(|| {
        format!("`{text}` is not a limit: write NAME=SOFT[:HARD], such as nofile=1024")
    })?;
    let name = name.trim();
    ulimit_name(name)?;
    Ok((name, limit.trim()))
}

/// Whether there is such a limit.
pub(crate) fn ulimit_name(name: &str) -> Result<(), String> {
    match ULIMITS.contains(&name) {
        true => Ok(()),
        false => {
            Err(format!("there is no limit `{name}`: known limits are {}", ULIMITS.join(", ")))
        }
    }
}

/// Splits `HOST=IP` or `HOST:IP`, as in a list or a flag.
pub(crate) fn host(text: &str) -> Result<(&str, &str), String> {
    let parts = text.split_once('=').or_else(|| text.split_once(':'));
    let (name, addresses) = parts
        .map(|(name, addresses)| (name.trim(), addresses.trim()))
        .filter(|(name, addresses)| !name.is_empty() && !addresses.is_empty())
        .ok_or_else(|| format!("`{text}` is not a host: write NAME=IP, such as db=10.0.0.1"))?;
    host_name(name)?;
    Ok((name, addresses))
}

/// Whether it can be a name in `/etc/hosts`. BuildKit reads a list of hosts that commas separate.
pub(crate) fn host_name(name: &str) -> Result<(), String> {
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && !",=:\"#".contains(c);
    match !name.is_empty() && name.chars().all(fits) {
        true => Ok(()),
        false => Err(format!("`{name}` is not the name of a host")),
    }
}

/// Checks a path of control groups; an empty one is the engine's default.
pub(crate) fn cgroup(text: &str) -> Result<(), String> {
    match text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        true => Err(format!("`{text}` is not the path of a control group")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_of_docker() {
        for (text, bytes, shown) in [
            ("67108864", 67_108_864, "64m"),
            ("64m", 67_108_864, "64m"),
            ("64M", 67_108_864, "64m"),
            ("64MB", 67_108_864, "64m"),
            ("64MiB", 67_108_864, "64m"),
            ("64 mb", 67_108_864, "64m"),
            ("1.5g", 1_610_612_736, "1536m"),
            ("2gb", 2_147_483_648, "2g"),
            ("100b", 100, "100"),
            ("1k", 1024, "1k"),
            ("0", 0, "0"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown), "{text}");
        }
        for wrong in ["", "m", "-1", "64x", "64mbb", "1.2.3m", "64ib", "9999999999p", "1e400"] {
            assert!(wrong.parse::<ByteSize>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_have_the_form_of_docker() {
        for (text, name, shown) in [
            ("nofile=1024:2048", "nofile", "1024:2048"),
            ("nofile=1024", "nofile", "1024:1024"),
            ("core=0", "core", "0:0"),
            ("memlock=-1:-1", "memlock", "-1:-1"),
            ("nproc=5:-1", "nproc", "5:-1"),
        ] {
            let (found, limit) = ulimit(text).unwrap();
            assert_eq!(
                (found, limit.parse::<Ulimit>().unwrap().to_string().as_str()),
                (name, shown)
            );
        }
        for wrong in ["nofile", "files=1", "=1", "NOFILE=1"] {
            assert!(ulimit(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "x", "1:2:3", "2:1", "-1:5", "1.5"] {
            assert!(wrong.parse::<Ulimit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn hosts_have_the_forms_of_docker() {
        for (text, name, shown) in [
            ("db:10.0.0.1", "db", "10.0.0.1"),
            ("db=10.0.0.1", "db", "10.0.0.1"),
            ("db=10.0.0.1,10.0.0.2", "db", "10.0.0.1,10.0.0.2"),
            ("v6=::1", "v6", "::1"),
            ("v6:::1", "v6", "::1"),
            ("v6=[fe80::1]", "v6", "fe80::1"),
            ("host.docker.internal:host-gateway", "host.docker.internal", "host-gateway"),
        ] {
            let (found, addresses) = host(text).unwrap();
            let addresses: HostAddresses = addresses.parse().unwrap();
            assert_eq!((found, addresses.to_string().as_str()), (name, shown), "{text}");
        }
        for wrong in ["", "db", "db=", "=1.2.3.4", "a b=1.2.3.4", "a,b=1.2.3.4"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "localhost", "1.2.3", "1.2.3.4,", "host-gateway,1.2.3.4"] {
            assert!(wrong.parse::<HostAddresses>().is_err(), "{wrong}");
        }
    }
}
