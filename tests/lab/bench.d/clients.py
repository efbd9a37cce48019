"""The clients that are compared: each has the command that builds and pushes all targets."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from cells import Family, Target
from lab import Root


@dataclass
class Job:
    """The task of a client."""

    onebuild: str
    root: Root
    family: Family
    repository: str
    targets: list[Target]
    folder: Path


@dataclass
class Client:
    name: str
    # The client's title in the table, and its settings.
    title: str
    settings: str
    # The processes whose memory is measured.
    programs: tuple[str, ...]
    command: Callable[[Job], list[str]]
    env: dict[str, str]
    # Commands that fill an engine's cache, because one command for everything may be too much for
    # the client.
    fill: Callable[[Job], list[list[str]]]


# bake has failed with 150 targets; this many works.
BATCH = 40


def _bake(job: Job, names: list[str]) -> list[str]:
    file = job.folder / "bake.json"
    table = {target.name: target.bake() for target in job.targets}
    file.write_text(json.dumps({"target": table, "group": {"default": {"targets": list(table)}}}))
    allow = ["--allow", "network.host"] if job.family.host_network else []
    return job.root.command(
        ["docker", "buildx", "bake", "--file", str(file), "--push", *allow, *names]
    )


def _bake_all(job: Job) -> list[str]:
    return _bake(job, [])


def _bake_batches(job: Job) -> list[list[str]]:
    names = [target.name for target in job.targets]
    return [_bake(job, names[at : at + BATCH]) for at in range(0, len(names), BATCH)]


def _loop(job: Job) -> list[str]:
    script = job.folder / "loop.sh"
    lines = [shlex.join(target.build()) for target in job.targets]
    script.write_text("\n".join(["set -e", *lines, ""]))
    return job.root.command(["sh", str(script)])


def _onebuild(*flags: str) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        network = ["--network", "host"] if job.family.host_network else []
        every = {"ALL": str(len(job.targets))}
        own = [every.get(flag, flag) for flag in flags]
        arguments = job.family.arguments(job.repository)
        return [job.onebuild, "matrix", "--push", "--skip-test", *arguments, *network, *own]

    return command


def _whole(command: Callable[[Job], list[str]]) -> Callable[[Job], list[list[str]]]:
    return lambda job: [command(job)]


def _peer(name: str, title: str, settings: str, command, fill, env=None) -> Client:
    return Client(name, title, settings, ("docker-buildx", "docker"), command, env or {}, fill)


def _ours(name: str, title: str, settings: str, *flags: str) -> Client:
    command = _onebuild(*flags)
    return Client(name, title, settings, ("onebuild",), command, {}, _whole(command))


BARE = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}

CLIENTS = [
    _peer("loop", "loop of buildx build", "defaults: provenance, history, local store; one by one",
          _loop, _whole(_loop)),
    _peer("bake", "buildx bake", "defaults: provenance, history, local store; all at once",
          _bake_all, _bake_batches),
    _peer("bake-bare", "buildx bake, bare", "no provenance; history, local store; all at once",
          _bake_all, _bake_batches, BARE),
    _ours("onebuild", "onebuild", "defaults: none of the three; 4 cells a core at once"),
    _ours("onebuild-bare", "onebuild, as bake, bare", "as bake, bare; 4 cells a core at once",
          "--load", "--history"),
    _ours("onebuild-full", "onebuild, as bake", "as bake; 4 cells a core at once",
          "--load", "--history", "--provenance"),
    _ours("onebuild-all", "onebuild, as bake, all", "as bake; all at once, as bake does it",
          "--load", "--history", "--provenance", "--jobs", "ALL"),
]
