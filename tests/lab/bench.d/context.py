"""A large context: many small files, sent by each client to an engine that has none of them.

All clients use one engine, with context names that are new to it. Separate engines would have to be removed
before the next one starts, and ext4 is slow to create files right after many were deleted.

One step counts the files, so that a client that sent too few fails. The step mounts the context and creates
no layer, so that only the transfer is measured.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import measure
from lab import Engine, Root
from measure import Failed, Sample

DOCKERFILE = """\
FROM alpine:3.20
RUN --mount=type=bind,target=/context [ "$(find /context/files -type f | wc -l)" = {count} ]
"""
MATRIX = """\
image: example/context
tag: v<%number%>
platforms: [linux/amd64]
context: {context}
axes: {{ number: [1] }}
"""
PER_FOLDER = 100
# From 0 to 3 KB, in turn.
LARGEST = 3_000

PROGRAMS = {"buildx": ("docker-buildx", "docker"), "onebuild": ("onebuild",)}


@dataclass
class Sent:
    """One transfer."""

    client: str
    count: int
    sample: Sample
    peak_kib: int


def _write(folder: Path, count: int) -> None:
    for number in range(count):
        below = folder / f"{number // PER_FOLDER:05d}"
        if number % PER_FOLDER == 0:
            below.mkdir(parents=True)
        (below / f"file-{number}.js").write_bytes(b"x" * (number * 7 % LARGEST))


def measure_all(
    onebuild: str, root: Root, work: Path, logs: Path, rounds: int, count: int,
) -> list[Sent]:
    context = work / "context"
    _write(context / "files", count)
    (context / "Dockerfile").write_text(DOCKERFILE.format(count=count))
    (work / "empty").mkdir()
    (work / "empty" / "Dockerfile").write_text("FROM alpine:3.20\nRUN true\n")
    results = []
    with Engine() as engine:
        env = {"PATH": os.environ["PATH"], "HOME": str(work), "DOCKER_HOST": engine.host}
        # The base image is pulled before the measurement.
        _run(_buildx(root, work / "empty"), env, work, logs / "fill.log")
        for number in range(rounds):
            order = list(PROGRAMS)
            for client in order[number % 2 :] + order[: number % 2]:
                context = context.rename(work / f"{client}-{number}")
                matrix = work / "matrix.yaml"
                matrix.write_text(MATRIX.format(context=context.name))
                command = [onebuild, "build", "--no-cache", "--file", str(matrix)]
                if client == "buildx":
                    command = _buildx(root, context)
                before = engine.cpu()
                sample = _run(command, env, work, logs / f"context-{client}-{number}.log")
                sample.engine_cpu = engine.cpu() - before
                results.append(Sent(client, count, sample, sample.peak(PROGRAMS[client])))
    return results


def _buildx(root: Root, context: Path) -> list[str]:
    return root.command(["docker", "buildx", "build", "--no-cache", str(context)])


def _run(command: list[str], env: dict[str, str], cwd: Path, log: Path) -> Sample:
    sample = measure.run(command, env, cwd, log)
    if sample.code != 0:
        raise Failed(f"`{' '.join(command)}` ended with {sample.code}; its output is {log}")
    return sample
