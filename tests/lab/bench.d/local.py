"""Commands of onebuild that need no engine."""

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import measure
from cells import large
from lab import CHECKOUT
from measure import Failed

ENV = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


@dataclass
class Local:
    """One command: milliseconds of each run, and the highest peak memory."""

    name: str
    milliseconds: list[float]
    peak_kib: int

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)


# In memory: ext4 avoids inodes that were freed in the last minutes. After a round, which frees
# many, it searches for others for seconds. That is not the program's time.
FILES = Path("/dev/shm")


def measure_all(onebuild: str, work: Path, logs: Path, quick: bool) -> list[Local]:
    count = 400 if quick else 10_000
    matrix = large(work / "large", count)
    few = 1 if quick else 5
    render = [onebuild, "render", "--file", str(matrix)]
    often = 5 if quick else 50
    with tempfile.TemporaryDirectory(dir=FILES, prefix="onebuild-bench-") as out:
        return [
            _repeat("--help", [onebuild, "--help"], often, logs),
            _repeat("plan, own matrix", [onebuild, "plan"], often, logs),
            _repeat(f"render {count}, printed", render, few, logs),
            _repeat(f"render {count}, files", [*render, "--out"], few, logs, Path(out)),
        ]


def _repeat(
    name: str, command: list[str], runs: int, logs: Path, out: Path | None = None,
) -> Local:
    """Runs `command` this many times, each with a new directory in `out` as its last argument."""
    log = logs / "local.log"
    times, peak = [], 0
    for run in range(runs):
        own = [str(out / str(run))] if out else []
        # These take milliseconds, so their memory is sampled frequently.
        sample = measure.run(command + own, ENV, CHECKOUT, log, tick_ms=1)
        if sample.code != 0:
            raise Failed(f"`{' '.join(command)}` ended with {sample.code}; its output is {log}")
        times.append(sample.wall * 1000)
        peak = max(peak, sample.peaks.get("onebuild", 0))
    return Local(name, times, peak)
