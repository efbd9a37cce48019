"""The two ways to BuildKit beside each other: gRPC on a socket of its own, and the upgrade of POST /grpc.

Debian has no engine that serves gRPC on its socket, so a relay offers both ways to one engine. The tasks: many
trivial cells, of which everything is cached, and a context whose files are new to the engine. A number of cells
and four times that number show whether memory or open files grow with it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import measure
from lab import Engine
from measure import Failed, Sample
from relay import Relay

CELLS = """\
image: example/trivial
tag: v<%number%>
platforms: [linux/amd64]
context: context
args: {{ NUMBER: <%number%> }}
axes: {{ number: [{numbers}] }}
"""
TRIVIAL = "FROM scratch\nARG NUMBER\nLABEL number=$NUMBER\nCOPY Dockerfile /\n"
SENT = """\
image: example/sent
tag: v1
platforms: [linux/amd64]
context: {context}
"""
FILES = "FROM scratch\nCOPY files /files/\n"
FILE_BYTES = 10_000
PER_FOLDER = 100


@dataclass
class Carried:
    """One run of a task over one way."""

    task: str
    way: str
    sample: Sample


def measure_all(
    onebuild: str, work: Path, logs: Path, rounds: int, quick: bool,
) -> list[Carried]:
    few, many, files = (10, 40, 500) if quick else (250, 1_000, 20_000)
    results = []
    with Engine() as engine:
        ways = {
            "gRPC": f"buildkit+unix://{work}/grpc.sock",
            "upgrade": f"unix://{work}/docker.sock",
        }
        Relay(work / "grpc.sock", engine.host, upgrades=True)
        Relay(work / "docker.sock", engine.host, upgrades=False)
        env = {"PATH": os.environ["PATH"], "HOME": str(work)}

        def run(task: str, way: str, count: int, command: list[str]) -> None:
            log = logs / f"transport-{way}-{count}.log"
            before = engine.cpu()
            sample = measure.run([*command, "--host", ways[way]], env, work, log)
            sample.engine_cpu = engine.cpu() - before
            if sample.code != 0:
                raise Failed(f"`{' '.join(command)}` ended with {sample.code}; its output is {log}")
            if task:
                results.append(Carried(task, way, sample))

        context = work / "context"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(TRIVIAL)
        # Nothing is stored or pushed.
        def command(name: str, matrix: Path, *flags: str) -> list[str]:
            return [onebuild, name, "--output", "none", "--file", str(matrix), *flags]

        for count in (few, many):
            matrix = work / f"cells-{count}.yaml"
            matrix.write_text(CELLS.format(numbers=", ".join(map(str, range(count)))))
            run("", "upgrade", count, command("matrix", matrix))  # fills the cache
        for number in range(rounds):
            order = list(ways)
            for way in order[number % 2 :] + order[: number % 2]:
                for count in (few, many):
                    matrix = work / f"cells-{count}.yaml"
                    run(f"{count} cells", way, count, command("matrix", matrix))
                _write(work / "sent" / f"{way}-{number}", files)
                matrix = work / "sent.yaml"
                matrix.write_text(SENT.format(context=f"sent/{way}-{number}"))
                run(f"{files} files", way, files, command("build", matrix, "--no-cache"))
    return results


def _write(context: Path, count: int) -> None:
    for number in range(count):
        below = context / "files" / f"{number // PER_FOLDER:05d}"
        if number % PER_FOLDER == 0:
            below.mkdir(parents=True)
        (below / f"file-{number}").write_bytes(os.urandom(FILE_BYTES))
    (context / "Dockerfile").write_text(FILES)
