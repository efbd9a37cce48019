"""What the record of a run and its reports cost, and what onebuild uses while many cells end.

The rounds are warm runs of the family without the record, with it, and with all reports too, in turn on one engine. The other run has
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
# Each of the three is first, second and third equally often.
ROUNDS = 18
KINDS = ("off", "on", "on, all reports")


@dataclass
class Compared:
    """One run of a round."""

    kind: str
    round: int
    sample: Sample


@dataclass
class Grown:
    """What one run used when so many cells were pushed: KiB now, KiB at most so far, open files."""

    cells: int
    pushed: int
    resident: int
    peak: int
    files: int


def rounds(
    onebuild: str, registry: Registry, family: Family, work: Path, logs: Path, quick: bool,
) -> list[Compared]:
    results = []
    home = work / "recorded"
    home.mkdir()
    with Engine() as engine:
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "DOCKER_HOST": engine.host}
        arguments = family.arguments(f"{registry.address}/recorded/{family.name}")
        command = [onebuild, "matrix", "--push", "--skip-test", "--network", "host", *arguments]

        reports = ["--summary", "run.md", "--metadata-file", "run.json", "--junit", "run.xml", "--timings", "run.html",
                   "--timings", "trace.json"]
        own = {
            "off": ["--no-record"],
            "on": [],
            "on, all reports": [str(home / word) if "." in word else word for word in reports],
        }

        def run(name: str, kind: str) -> Sample:
            log = logs / f"recorded-{name}.log"
            sample = measure.run([*command, *own[kind]], env, CHECKOUT, log)
            if sample.code != 0:
                raise Failed(f"onebuild ended with {sample.code}; its output is {log}")
            return sample

        for number in range(3):
            run(f"cold-{number}", KINDS[number])
        for number in range(3 if quick else ROUNDS):
            first = number % len(KINDS)
            for kind in KINDS[first:] + KINDS[:first]:
                results.append(Compared(kind, number, run(f"{number}-{KINDS.index(kind)}", kind)))
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
