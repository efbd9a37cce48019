//! Processes of this machine, for [`Owner`].

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use sha2::{Digest as _, Sha256};

use super::owner::{Owner, Process};
use crate::driver::sessions::sent::machine;

/// This process. [`Owner::UNKNOWN`] if /proc is missing or belongs to another PID namespace.
pub(crate) fn own() -> Owner {
    read().unwrap_or(Owner::UNKNOWN)
}

fn read() -> Option<Owner> {
    let process = std::process::id();
    let here = fs::read_link("/proc/self").ok()?;
    if here.to_str()? != process.to_string() {
        return None;
    }
    let boot = fs::read("/proc/sys/kernel/random/boot_id").ok()?;
    let Process::Running { started } = look(process) else { return None };
    // Copies of a machine may have the same ID, but rarely the same host name as well.
    let name = rustix::system::uname().nodename().to_bytes().to_vec();
    Some(Owner {
        machine: hash("machine", &[&machine(), &name]),
        boot: hash("boot", &[boot.trim_ascii()]),
        namespace: fs::metadata("/proc/self/ns/pid").ok()?.ino(),
        process,
        started,
    })
}

/// A hash specific to onebuild: machine-id(5) requires that the ID itself stays confidential.
fn hash(what: &str, parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new_with_prefix(format!("onebuild {what}"));
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    digest[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// How long this machine has been up, including suspended time.
pub(crate) fn uptime() -> Duration {
    Duration::from_secs(u64::try_from(rustix::system::sysinfo().uptime).unwrap_or(0))
}

/// Looks up a process in this PID namespace.
pub(crate) fn look(process: u32) -> Process {
    match fs::read(format!("/proc/{process}/stat")) {
        Ok(stat) => running(&stat),
        // With `hidepid`, a user cannot see the processes of other users.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_used(process) => Process::Gone,
        Err(_) => Process::Hidden,
    }
}

/// Source: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn running(stat: &[u8]) -> Process {
    // The second field is the name in parentheses, and may contain parentheses and spaces.
    let stat = String::from_utf8_lossy(stat);
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    match fields.next() {
        // A zombie: it ended, but its parent has not waited for it.
        Some("Z" | "X") => Process::Gone,
        _ => match fields.nth(18).and_then(|field| field.parse().ok()) {
            Some(started) => Process::Running { started },
            None => Process::Hidden,
        },
    }
}

fn is_used(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    process
        .is_some_and(|process| !matches!(test_kill_process(process), Err(rustix::io::Errno::SRCH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_of_a_process_is_found_after_any_name() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
        for (stat, wanted) in [
            (format!("7 (onebuild) S {rest}"), Process::Running { started: 4711 }),
            (format!("7 (a) S 1 (b c) R {rest}\n"), Process::Running { started: 4711 }),
            (format!("7 (onebuild) Z {rest}"), Process::Gone),
            (format!("7 (onebuild) X {rest}"), Process::Gone),
            ("7 (onebuild) S 1 2".to_owned(), Process::Hidden),
            (String::new(), Process::Hidden),
        ] {
            assert_eq!(running(stat.as_bytes()), wanted, "{stat}");
        }
    }

    #[test]
    fn this_process_finds_itself_and_sees_that_another_one_ended() {
        let own = own();
        assert_ne!(own, Owner::UNKNOWN);
        assert_eq!(own, super::own());
        assert_eq!(look(own.process), Process::Running { started: own.started });
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let Process::Running { started } = look(child.id()) else { panic!("it runs") };
        assert!(started >= own.started);
        child.kill().unwrap();
        // A zombie until it is waited for.
        while look(child.id()) != Process::Gone {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(look(child.id()), Process::Gone);
        assert_eq!(look(u32::MAX), Process::Gone);
        assert!(uptime() > Duration::ZERO);
    }
}
