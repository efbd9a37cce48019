"""Rounds: every client once per round, each on its own engine, in a rotating order."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import measure
from cells import Family, targets
from clients import Client, Job
from lab import CHECKOUT, Engine, Registry, Root
from measure import Failed, Sample


@dataclass
class Run:
    """One measured run. `error` is the client's error message."""

    family: str
    phase: str
    client: str
    round: int
    sample: Sample
    peak_kib: int
    error: str | None


@dataclass
class Stage:
    """The settings of all runs."""

    onebuild: str
    root: Root
    registry: Registry
    work: Path
    logs: Path
    runs: list[Run]
    # Called after each run, so that an early end does not lose results.
    save: Callable[[], None]

    def round(self, number: int, family: Family, clients: list[Client]) -> None:
        start = (number - 1) % len(clients)
        for client in clients[start:] + clients[:start]:
            with Engine() as engine:
                self._client(number, family, client, engine)

    def _client(self, number: int, family: Family, client: Client, engine: Engine) -> None:
        """Cold and warm; for `many`, only warm, because the other client may fail to build it in one run."""
        # Content that a registry has in a repository is not pushed again, so each client has its
        # own.
        repository = f"{self.registry.address}/{family.name}/{client.name}-{number}"
        folder = self.work / f"{family.name}-{client.name}-{number}"
        wanted = targets(self.onebuild, family, repository, folder)
        job = Job(self.onebuild, self.root, family, repository, wanted, folder)
        config = folder / "docker"
        config.mkdir()
        env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_HOST": engine.host,
            "DOCKER_CONFIG": str(config), **client.env,
        }
        log = self.logs / f"{family.name}-{client.name}-{number}"
        if family.name == "family":
            self._measured("cold", number, client, job, engine, env, log)
        else:
            self._filled(client, job, env, log)
        self._pushed(job)
        self._measured("warm", number, client, job, engine, env, log)
        self._pushed(job)
        shutil.rmtree(folder)

    def _measured(
        self, phase: str, number: int, client: Client, job: Job, engine: Engine,
        env: dict[str, str], log: Path,
    ) -> None:
        log = log.with_name(f"{log.name}-{phase}.log")
        before = engine.cpu()
        sample = measure.run(client.command(job), env, CHECKOUT, log)
        sample.engine_cpu = engine.cpu() - before
        error = None
        if sample.code != 0:
            error = f"exit code {sample.code}: {_reason(log)}"
            # Failing with very many cells is a result; failing with few leaves nothing to compare.
            if job.family.name == "family":
                raise Failed(f"{client.name}, {phase}: {error}; its output is {log}")
        peak = sample.peak(client.programs)
        family = job.family.name
        self.runs.append(Run(family, phase, client.name, number, sample, peak, error))
        self.save()
        print(
            f"  round {number}  {family:6}  {phase}  {client.name:13}  {sample.wall:7.2f} s"
            f"  {error or ''}".rstrip(),
            file=sys.stderr, flush=True,
        )

    def _filled(self, client: Client, job: Job, env: dict[str, str], log: Path) -> None:
        log = log.with_name(f"{log.name}-fill.log")
        for command in client.fill(job):
            sample = measure.run(command, env, CHECKOUT, log)
            if sample.code != 0:
                raise Failed(f"{client.name} could not fill the cache: {_reason(log)}; see {log}")

    def _pushed(self, job: Job) -> None:
        """A client that did not do all the work must not be compared."""
        for target in job.targets:
            for tag in target.tags:
                found = self.registry.platforms(tag)
                if found != sorted(target.platforms):
                    raise Failed(f"the registry has {tag} for: {', '.join(found) or 'nothing'}")


def _reason(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    lines = [line for line in lines if line]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it printed nothing"])[-1][:200]
