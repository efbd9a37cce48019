"""What the record of a run costs, and what onebuild uses while many cells end.

The pairs are warm runs of the family, with and without the record, in turn on one engine. The other run has
hundreds of cells of one small layer each; memory and open files are read when some of them have been pushed.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import measure
from cells import Family
from lab import CHECKOUT, Engine, Registry
from measure import Failed, Sample

CELLS = """\
image: example/growth
tag: v<%number%>
platforms: [linux/amd64]
context: context
args: {{ NUMBER: <%number%> }}
axes: {{ number: 1..{count} }}
"""
TRIVIAL = "FROM scratch\nARG NUMBER\nLABEL number=$NUMBER\nCOPY Dockerfile /\n"
# Both orders equally often.
PAIRS = 20


@dataclass
class Paired:
    """One run, with the record or without it."""

    recorded: bool
    sample: Sample


@dataclass
class Grown:
    """What one run used when so many cells were pushed: KiB now, KiB at most so far, open files."""

    cells: int
    pushed: int
    resident: int
    peak: int
    files: int


def pairs(
    onebuild: str, registry: Registry, family: Family, work: Path, logs: Path, quick: bool,
) -> list[Paired]:
    results = []
    home = work / "paired"
    home.mkdir()
    with Engine() as engine:
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "DOCKER_HOST": engine.host}
        arguments = family.arguments(f"{registry.address}/paired/{family.name}")
        command = [onebuild, "matrix", "--push", "--skip-test", "--network", "host", *arguments]

        def run(name: str, recorded: bool) -> Sample:
            own = [] if recorded else ["--no-record"]
            log = logs / f"paired-{name}.log"
            sample = measure.run([*command, *own], env, CHECKOUT, log)
            if sample.code != 0:
                raise Failed(f"onebuild ended with {sample.code}; its output is {log}")
            return sample

        for number in range(3):
            run(f"cold-{number}", number == 1)
        for number in range(2 if quick else PAIRS):
            for recorded in (True, False) if number % 2 else (False, True):
                results.append(Paired(recorded, run(f"{number}-{recorded}", recorded)))
    shutil.rmtree(home)
    return results


def growth(onebuild: str, registry: Registry, work: Path, logs: Path, quick: bool) -> list[Grown]:
    results = []
    with Engine() as engine:
        for count, marks in ((20, (10, 20)),) if quick else ((200, (50, 200)), (1_000, (200, 500, 1_000))):
            folder = work / f"growth-{count}"
            (folder / "context").mkdir(parents=True)
            (folder / "context" / "Dockerfile").write_text(TRIVIAL)
            (folder / "matrix.yaml").write_text(CELLS.format(count=count))
            image = f"{registry.address}/growth/{count}"
            env = {"PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_HOST": engine.host}
            command = [onebuild, "matrix", "--push", "--file", str(folder / "matrix.yaml"), "--image", image]
            log = logs / f"growth-{count}.log"
            with log.open("wb") as errors:
                process = subprocess.Popen(
                    command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                )
                # A line for each image that is pushed.
                for pushed, _ in enumerate(process.stdout, 1):
                    if pushed in marks:
                        results.append(_used(process.pid, count, pushed))
                if process.wait() != 0:
                    raise Failed(f"{count} cells ended with {process.returncode}; the output is {log}")
            for number in (1, count):
                if not registry.has(f"{image}:v{number}"):
                    raise Failed(f"the registry has no {image}:v{number}")
    return results


def _used(pid: int, cells: int, pushed: int) -> Grown:
    status = Path(f"/proc/{pid}/status").read_text()
    sizes = dict(line.split(":\t", 1) for line in status.splitlines() if line.startswith("Vm"))
    resident, peak = (int(sizes[name].split()[0]) for name in ("VmRSS", "VmHWM"))
    return Grown(cells, pushed, resident, peak, len(os.listdir(f"/proc/{pid}/fd")))
