"""Commands of onebuild that need no engine."""

import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path

import measure
from cells import large
from lab import CHECKOUT
from measure import Failed

ENV = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


@dataclass
class Local:
    """One command: milliseconds of each run, and the largest peak seen."""

    name: str
    milliseconds: list[float]
    peak_kib: int

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)


def measure_all(onebuild: str, work: Path, logs: Path, quick: bool) -> list[Local]:
    count = 400 if quick else 10_000
    matrix = large(work / "large", count)
    out = work / "large-out"
    few = 1 if quick else 5
    render = [onebuild, "render", "--file", str(matrix)]
    return [
        _repeat("--help", [onebuild, "--help"], 5 if quick else 50, logs),
        _repeat("plan, own matrix", [onebuild, "plan"], 5 if quick else 50, logs),
        _repeat(f"render {count}, printed", render, few, logs),
        _repeat(f"render {count}, files", [*render, "--out", str(out)], few, logs, fresh=out),
    ]


def _repeat(
    name: str, command: list[str], runs: int, logs: Path, fresh: Path | None = None
) -> Local:
    log = logs / "local.log"
    times, peak = [], 0
    for _ in range(runs):
        if fresh and fresh.exists():
            shutil.rmtree(fresh)
        # These last milliseconds: their memory is only seen by looking often.
        sample = measure.run(command, ENV, CHECKOUT, log, tick_ms=1)
        if sample.code != 0:
            raise Failed(f"`{' '.join(command)}` ended with {sample.code}; its output is {log}")
        times.append(sample.wall * 1000)
        peak = max(peak, sample.peaks.get("onebuild", 0))
    return Local(name, times, peak)
