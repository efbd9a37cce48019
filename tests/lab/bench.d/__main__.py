"""Arguments, the order of the measurements, and the result. Started by tests/lab/bench."""

import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cells
import context
import recorded
import table
import transport
from cells import Family
from clients import CLIENTS
from context import Sent
from lab import CHECKOUT, STATE, Engine, Registry, Root, said
from local import Local, measure_all
from measure import Failed, Sample
from recorded import Compared, Grown
from rounds import Run, Stage
from transport import Carried

PARTS = ("family", "many", "context", "transport", "record", "local")
FOLDER = STATE / "bench"
RESULT = FOLDER / "result.json"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/lab/bench", add_help=False)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--client", action="append", choices=[client.name for client in CLIENTS])
    parser.add_argument("--onebuild", type=Path)
    parser.add_argument("--print", action="store_true")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds wants 1 or more")
    return args


def built() -> Path:
    """A release build. Cargo reports its path, which CARGO_TARGET_DIR can change."""
    arguments = ("--release", "--locked", "--message-format", "json-render-diagnostics")
    messages = said("cargo", "build", *arguments, "--manifest-path", CHECKOUT / "Cargo.toml")
    programs = [json.loads(line).get("executable") for line in messages.splitlines()]
    return Path([path for path in programs if path][-1])


def program(given: Path | None) -> str:
    if given is None:
        given = built()
    if not os.access(given, os.X_OK):
        raise Failed(f"{given} is not a program; omit --onebuild to build it")
    return str(given.resolve())


def facts(root: Root, onebuild: str, quick: bool) -> dict[str, str]:
    """The environment of the measurements."""
    def inside(*command: str) -> str:
        return said(*root.command(list(command)))

    with Engine() as engine:
        os.environ["DOCKER_HOST"] = engine.host
        version = inside("docker", "version", "--format", "{{.Server.Version}}")
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, {model[0].split(': ')[-1] if model else '?'}, {system}",
        "kernel": platform.release(),
        "engine": version,
        "buildx": inside("docker", "buildx", "version"),
        "onebuild": said(onebuild, "--version"),
        "load": f"{os.getloadavg()[0]:.2f} at the start, which should be near 0",
        "cells": "few" if quick else "all",
    }


def own_family(quick: bool) -> Family:
    versions = [f"2.0.{patch}" for patch in range(1 if quick else 6)]
    lab = (os.environ[f"ONEBUILD_LAB_{name}"] for name in ("REGISTRY", "RELEASES"))
    return cells.own_family(versions, *lab)


def compare(args: argparse.Namespace, stage: Stage) -> None:
    chosen = [c for c in CLIENTS if not args.client or c.name in args.client]
    rounds = 1 if args.quick else args.rounds
    for number in range(1, rounds + 1):
        if "family" in args.part:
            stage.round(number, own_family(args.quick), chosen)
        if "many" in args.part:
            folder = stage.work / f"many-{number}"
            family = cells.many(folder, 20 if args.quick else 200)
            stage.round(number, family, [c for c in chosen if c.name in ("bake", "onebuild")])


@dataclass
class Result:
    """All results and their environment."""

    facts: dict[str, str]
    runs: list[Run] = field(default_factory=list)
    local: list[Local] = field(default_factory=list)
    contexts: list[Sent] = field(default_factory=list)
    carried: list[Carried] = field(default_factory=list)
    recorded: list[Compared] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)

    def save(self) -> None:
        # Written atomically after each run. A quick run must not replace the result of half an
        # hour.
        result = FOLDER / "quick.json" if self.facts["cells"] == "few" else RESULT
        new = result.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1) + "\n")
        new.replace(result)

    @classmethod
    def load(cls) -> "Result":
        if not RESULT.exists():
            raise Failed(f"{RESULT} does not exist: there is no result yet")
        raw = json.loads(RESULT.read_text())
        runs = [Run(**{**run, "sample": Sample(**run["sample"])}) for run in raw["runs"]]
        contexts = [
            Sent(**{**one, "sample": Sample(**one["sample"])}) for one in raw.get("contexts", [])
        ]
        carried = [
            Carried(**{**one, "sample": Sample(**one["sample"])}) for one in raw.get("carried", [])
        ]
        recorded = [
            Compared(**{**one, "sample": Sample(**one["sample"])}) for one in raw.get("recorded", [])
        ]
        grown = [Grown(**one) for one in raw.get("grown", [])]
        local = [Local(**one) for one in raw["local"]]
        return cls(raw["facts"], runs, local, contexts, carried, recorded, grown)

    def text(self) -> str:
        """Tables of the results; targets only for the full number of cells."""
        quick = self.facts["cells"] == "few"
        few, many = (6, 20) if quick else (36, 200)
        parts = ["\n".join(f"{name:9} {value}" for name, value in self.facts.items()), ""]
        for family, phase, title in (
            ("family", "cold", f"{few} cells, cold: a fresh engine, base images not pulled yet"),
            ("family", "warm", f"{few} cells, warm: the same command again"),
            ("many", "warm", f"{many} cells, warm"),
        ):
            if any((run.family, run.phase) == (family, phase) for run in self.runs):
                parts.append(table.comparison(self.runs, family, phase, title))
        if self.contexts:
            parts.append(table.contexts(self.contexts))
        if self.carried:
            parts.append(table.carried(self.carried))
        if self.recorded:
            parts.append(table.recorded(self.recorded, few))
        if self.grown:
            parts.append(table.grown(self.grown))
        parts.append(table.settings(self.runs))
        if self.local:
            parts.append(table.local(self.local))
        if not quick:
            parts.append(table.targets(self))
        return "\n".join(parts)


def measured(args: argparse.Namespace) -> Result:
    onebuild = program(args.onebuild)
    logs = FOLDER / "log"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="work-") as work, Root() as root:
        result = Result(facts(root, onebuild, args.quick))
        if "local" in args.part:
            result.local += measure_all(onebuild, Path(work), logs, args.quick)
            result.save()
        if "context" in args.part:
            rounds, count = (1, 2_000) if args.quick else (args.rounds, 200_000)
            result.contexts += context.measure_all(onebuild, root, Path(work), logs, rounds, count)
            result.save()
        if "transport" in args.part:
            rounds = 1 if args.quick else args.rounds
            result.carried += transport.measure_all(onebuild, Path(work), logs, rounds, args.quick)
            result.save()
        if "record" in args.part:
            with Registry() as registry:
                places = (Path(work), logs, args.quick)
                result.grown += recorded.growth(onebuild, registry, *places)
                result.save()
                result.recorded += recorded.rounds(onebuild, registry, own_family(args.quick), *places)
                result.save()
        if {"family", "many"} & set(args.part):
            with Registry() as registry:
                stage = Stage(onebuild, root, registry, Path(work), logs, result.runs, result.save)
                compare(args, stage)
    return result


def main() -> None:
    args = arguments()
    args.part = args.part or list(PARTS)
    result = Result.load() if args.print else measured(args)
    print(result.text())


def _stop(number: int, _: object) -> None:
    # A second interrupt must not abort the clean-up.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _stop)
    try:
        main()
    except Failed as failed:
        print(f"error: {failed}", file=sys.stderr)
        sys.exit(1)
