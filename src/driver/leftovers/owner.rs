//! The process that owns a container or an image of a smoke test, and whether it has ended. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// After this time, an owner that cannot be looked up counts as gone. No test runs this long.
const UNSEEN_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The identity of an onebuild process, unique on all machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    /// A hash of what identifies the machine.
    pub(crate) machine: u64,
    /// A hash of the identifier of this boot.
    pub(crate) boot: u64,
    /// The inode of the PID namespace.
    pub(crate) namespace: u64,
    pub(crate) process: u32,
    /// When it started, in ticks since the boot. It differs if the process ID is reused.
    pub(crate) started: u64,
}

/// The state of a process ID in the PID namespace of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    Gone,
    Running {
        started: u64,
    },
    /// The ID is in use, but the process is not visible.
    Hidden,
}

/// What to do with a container or an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    Remove,
    /// Remove it if it is older than this.
    Expire(Duration),
}

impl Owner {
    /// A process that cannot read its own identity.
    pub(crate) const UNKNOWN: Self =
        Self { machine: 0, boot: 0, namespace: 0, process: 0, started: 0 };

    /// What the process `own` does with something of this owner. `uptime` is that of the machine; `look`
    /// finds a process in the same PID namespace.
    pub(crate) fn fate(
        &self,
        own: &Self,
        uptime: Duration,
        look: impl FnOnce(u32) -> Process,
    ) -> Fate {
        if [self, own].contains(&&Self::UNKNOWN) || self.machine != own.machine {
            return Fate::Expire(UNSEEN_TIMEOUT);
        }
        if self.boot != own.boot {
            // Anything younger than this boot belongs to another machine: one of the two is a copy.
            return Fate::Expire(uptime.min(UNSEEN_TIMEOUT));
        }
        if self.namespace != own.namespace {
            return Fate::Expire(UNSEEN_TIMEOUT);
        }
        match look(self.process) {
            Process::Running { started } if started == self.started => Fate::Keep,
            Process::Gone | Process::Running { .. } => Fate::Remove,
            Process::Hidden => Fate::Expire(UNSEEN_TIMEOUT),
        }
    }
}

impl Fate {
    /// Whether to remove something of this age. With an unknown age it is kept.
    pub(crate) fn is_removal(self, age: Option<Duration>) -> bool {
        match self {
            Self::Keep => false,
            Self::Remove => true,
            Self::Expire(limit) => age.is_some_and(|age| age > limit),
        }
    }
}

/// The format in labels and tags: `MACHINE-BOOT-NAMESPACE-PROCESS-STARTED`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, boot, namespace, process, started } = self;
        write!(f, "{machine:016x}-{boot:016x}-{namespace}-{process}-{started}")
    }
}

/// Accepts only the format that [`Owner`] writes.
impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split('-').collect();
        let [machine, boot, namespace, process, started] = parts[..] else { return Err(()) };
        let hash = |text| u64::from_str_radix(text, 16).map_err(drop);
        let owner = Self {
            machine: hash(machine)?,
            boot: hash(boot)?,
            namespace: namespace.parse().map_err(drop)?,
            process: process.parse().map_err(drop)?,
            started: started.parse().map_err(drop)?,
        };
        // Reject other spellings of a number.
        if owner.to_string() == text { Ok(owner) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Owner = Owner { machine: 1, boot: 2, namespace: 3, process: 4, started: 5 };

    #[test]
    fn an_owner_is_gone_if_its_process_ended_or_after_a_day_if_it_cannot_be_looked_up() {
        let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
        let other = Owner { process: 40, started: 50, ..OWN };
        let running = Process::Running { started: 50 };
        let reused = Process::Running { started: 51 };
        let (gone, hidden) = (Process::Gone, Process::Hidden);
        let (here, copy) = (other, Owner { boot: 9, ..other });
        let elsewhere = Owner { machine: 9, ..other };
        let away = Owner { machine: 9, boot: 9, ..other };
        let contained = Owner { namespace: 9, ..other };
        let unknown = Owner::UNKNOWN;
        // The machine has been up for two hours. `removed` is for ages of 1, 3 and 25 hours.
        for (what, owner, own, process, removed) in [
            ("it runs", here, OWN, running, [false, false, false]),
            ("itself", OWN, OWN, Process::Running { started: 5 }, [false, false, false]),
            ("it ended", here, OWN, gone, [true, true, true]),
            ("its ID is reused", here, OWN, reused, [true, true, true]),
            ("its ID is used by a hidden process", here, OWN, hidden, [false, false, true]),
            ("an earlier boot", copy, OWN, running, [false, true, true]),
            (
                "an earlier boot, another namespace",
                Owner { namespace: 9, ..copy },
                OWN,
                gone,
                [false, true, true],
            ),
            ("another namespace", contained, OWN, gone, [false, false, true]),
            ("another namespace, running here", contained, OWN, running, [false, false, true]),
            ("another machine", elsewhere, OWN, gone, [false, false, true]),
            ("another boot of another machine", away, OWN, gone, [false, false, true]),
            ("no identity", unknown, OWN, gone, [false, false, true]),
            ("no identity of our own", here, unknown, gone, [false, false, true]),
            ("no identity at all", unknown, unknown, gone, [false, false, true]),
        ] {
            let fate = owner.fate(&own, hours(2), |_| process);
            for (age, removed) in [1, 3, 25].into_iter().zip(removed) {
                assert_eq!(fate.is_removal(Some(hours(age))), removed, "{what}, {age} h");
            }
            assert_eq!(fate.is_removal(None), removed[0], "{what}, of unknown age");
        }
        // A long uptime does not extend the limit for earlier boots.
        let fate = copy.fate(&OWN, hours(1000), |_| gone);
        assert!(fate.is_removal(Some(hours(25))) && !fate.is_removal(Some(hours(23))));
    }

    #[test]
    fn only_the_written_format_of_an_owner_is_parsed() {
        let largest = Owner {
            machine: u64::MAX,
            boot: u64::MAX,
            namespace: u64::MAX,
            process: u32::MAX,
            started: u64::MAX,
        };
        for owner in [OWN, Owner::UNKNOWN, largest] {
            assert_eq!(owner.to_string().parse(), Ok(owner));
        }
        assert_eq!(OWN.to_string(), "0000000000000001-0000000000000002-3-4-5");
        for text in [
            "",
            "-",
            "----",
            "1-2-3-4-5",
            "0000000000000001-0000000000000002-3-4",
            "0000000000000001-0000000000000002-3-4-5-6",
            "0000000000000001-0000000000000002-3-4-05",
            "0000000000000001-0000000000000002-3-+4-5",
            "0000000000000001-0000000000000002-3--4-5",
            "000000000000000A-0000000000000002-3-4-5",
            "0000000000000001-0000000000000002-3-4-5 ",
            "0000000000000001-0000000000000002-3-4-99999999999999999999999",
            "0000000000000001-0000000000000002-3-4294967296-5",
        ] {
            assert_eq!(text.parse::<Owner>(), Err(()), "{text}");
        }
    }
}
