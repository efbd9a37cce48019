"""One run of a command: its time, CPU time and memory.

The CPU time is what the kernel reports at wait(): that of the command and of every descendant that
was waited for; `docker` waits for its plugin.

The memory is VmHWM, each process's own peak, read every few milliseconds from /proc for the
command and its descendants. ru_maxrss is not usable: a child starts with its parent's value, and this
program is about as large as the measured ones.
"""

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

# Infrequent enough to use no noticeable part of two cores.
TICK_MS = 50


class Failed(Exception):
    """A measurement failed."""


@dataclass
class Sample:
    """The cost of one run: seconds, and KiB of the largest process of each name."""

    wall: float
    user: float
    system: float
    code: int
    peaks: dict[str, int] = field(default_factory=dict)
    # The largest number of open files of a process of each name.
    files: dict[str, int] = field(default_factory=dict)
    engine_cpu: float = 0.0

    @property
    def cpu(self) -> float:
        return self.user + self.system

    def peak(self, programs: tuple[str, ...]) -> int:
        """The peak of the largest process among `programs`."""
        seen = [self.peaks[name] for name in programs if name in self.peaks]
        if not seen:
            raise Failed(f"none of {', '.join(programs)} was running, only {list(self.peaks)}")
        return max(seen)


def run(
    command: list[str], env: dict[str, str], cwd: Path, log: Path, tick_ms: int = TICK_MS,
) -> Sample:
    """Runs `command` to its end with its output in `log`, and ignores its exit code."""
    with log.open("wb") as out:
        start = time.monotonic()
        process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )
    try:
        peaks: dict[str, int] = {}
        files: dict[str, int] = {}
        end = _watch(process.pid, peaks, files, tick_ms)
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        # All processes of the command are in its session's process group, which is killed at the
        # end.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    return Sample(end - start, usage.ru_utime, usage.ru_stime, process.returncode, peaks, files)


def _watch(pid: int, peaks: dict[str, int], files: dict[str, int], tick_ms: int) -> float:
    """Fills `peaks` and `files` until `pid` has ended, and returns that time."""
    handle = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        while not poll.poll(tick_ms):
            for below in _tree(pid):
                _note_peak(below, peaks, files)
        return time.monotonic()
    finally:
        os.close(handle)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            tasks = os.listdir(f"/proc/{one}/task")
        except OSError:
            continue
        for task in tasks:
            try:
                children = Path(f"/proc/{one}/task/{task}/children").read_text()
            except OSError:
                continue
            found.extend(int(child) for child in children.split())
    return found


def _note_peak(pid: int, peaks: dict[str, int], files: dict[str, int]) -> None:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
        open_files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return  # it has ended
    lines = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    if "VmHWM" not in lines:
        return  # it is ending
    kib = int(lines["VmHWM"].split()[0])
    name = lines["Name"].strip()
    peaks[name] = max(kib, peaks.get(name, 0))
    files[name] = max(open_files, files.get(name, 0))
