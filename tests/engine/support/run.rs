//! A program that runs, is watched, and ends with its owner.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than any run of these tests takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(150);

/// A lock for tests that keep both cores busy for minutes, so that they do not run concurrently.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Polls `condition` until it holds.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < limit, "timed out after {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    started.elapsed()
}

/// The same program with the same environment, started by another program.
pub fn through(starter: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(starter[0]);
    outer.args(&starter[1..]).arg(command.get_program()).args(command.get_args()).env_clear();
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.current_dir(command.get_current_dir().expect("a project has a directory"));
    outer
}

/// The same program where this machine's own Docker cannot be found, and the default socket is a link to
/// that of the engine at `host`, if there is one.
pub fn with_default_socket(host: Option<&str>, command: &Command) -> Command {
    let socket = host.unwrap_or_default().trim_start_matches("unix://");
    let script = "mount -t tmpfs none /run && { [ -z \"$0\" ] || ln -s \"$0\" /run/docker.sock; } && exec \"$@\"";
    through(&["unshare", "--mount", "sh", "-c", script, socket], command)
}

/// What a program uses.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Resident memory in KiB, without the program's own code, which is large in a debug build.
    pub memory: usize,
    /// Open files.
    pub files: usize,
}

/// What the process `pid` uses now; `None` if it is ending.
pub fn usage_of(pid: u32) -> Option<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let memory = line.trim().strip_suffix(" kB")?.parse().ok()?;
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some(Usage { memory, files })
}

/// A running program; it is killed when this is dropped.
pub struct Running {
    child: Child,
    shown: String,
    stdout: Stream,
    stderr: Stream,
}

impl Running {
    /// Starts `command` with an empty stdin.
    pub fn start(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        let stdout = Stream::read(child.stdout.take().expect("it is piped"));
        let stderr = Stream::read(child.stderr.take().expect("it is piped"));
        Self { child, shown, stdout, stderr }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it uses now; `None` if it is ending.
    pub fn usage(&self) -> Option<Usage> {
        usage_of(self.pid())
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a child has a pid"), signal).expect("it runs");
    }

    /// What it has written to stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Run {
        let shown = self.shown.clone();
        until(&format!("{shown} has ended"), LIMIT, || self.ended());
        let status = self.child.wait().expect("a child can be waited for");
        let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or_default());
        let run = Run { shown, code, stdout: self.stdout.join(), stderr: self.stderr.join() };
        // Error numbers of the operating system must never be shown to users.
        run.never_says(&["(os error "])
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of a program, read as it arrives.
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn read(mut from: impl Read + Send + 'static) -> Self {
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let into = text.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let mut text = into.lock().unwrap_or_else(PoisonError::into_inner);
                text.extend_from_slice(&buffer[..count]);
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn join(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.so_far()
    }
}

/// A program that has ended.
#[derive(Debug)]
pub struct Run {
    shown: String,
    /// Its exit code; a signal number is negative.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Checks that stderr contains every one of `parts`.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in the output.\n{self}");
        }
        self
    }

    /// Checks that neither output contains any of `parts`.
    #[track_caller]
    pub fn never_says(self, parts: &[&str]) -> Self {
        for part in parts {
            let said = self.stderr.contains(part) || self.stdout.contains(part);
            assert!(!said, "`{part}` is in the output.\n{self}");
        }
        self
    }

    /// `(reference, digest)` of each line that was printed.
    #[track_caller]
    pub fn images(&self) -> Vec<(String, String)> {
        let line = |line: &str| {
            let (reference, digest) = line.split_once('@').unwrap_or_else(|| panic!("{self}"));
            (reference.to_owned(), digest.to_owned())
        };
        self.stdout.lines().map(line).collect()
    }

    /// The digest of the one image that was printed.
    #[track_caller]
    pub fn digest(&self) -> String {
        let images = self.images();
        assert_eq!(images.len(), 1, "{self}");
        images[0].1.clone()
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shown, code, stdout, stderr } = self;
        write!(f, "{shown}\nexit code {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
