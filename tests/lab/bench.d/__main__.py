"""Arguments, the order of things, and what is written. Started by tests/lab/bench."""

import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import cells
import local
import table
from clients import CLIENTS
from lab import CHECKOUT, STATE, Engine, Registry, Root, said
from measure import Failed
from rounds import Run, Stage

PARTS = ("family", "many", "local")
FOLDER = STATE / "bench"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/lab/bench", add_help=False)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--client", action="append", choices=[client.name for client in CLIENTS])
    parser.add_argument("--onebuild", type=Path)
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds wants 1 or more")
    return args


def program(given: Path | None) -> str:
    if given is None:
        said("cargo", "build", "--release", "--locked", "--manifest-path", CHECKOUT / "Cargo.toml")
        given = CHECKOUT / "target/release/onebuild"
    if not os.access(given, os.X_OK):
        raise Failed(f"{given} is no program; leave --onebuild out to build it")
    return str(given.resolve())


def facts(root: Root, onebuild: str) -> dict[str, str]:
    """What the numbers depend on."""
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
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def compare(args: argparse.Namespace, stage: Stage, save) -> None:
    chosen = [c for c in CLIENTS if not args.client or c.name in args.client]
    rounds = 1 if args.quick else args.rounds
    versions = [f"2.0.{patch}" for patch in range(1 if args.quick else 6)]
    registry = os.environ["ONEBUILD_LAB_REGISTRY"]
    for number in range(1, rounds + 1):
        if "family" in args.part:
            releases = os.environ["ONEBUILD_LAB_RELEASES"]
            family = cells.own_family(versions, registry, releases)
            stage.round(number, family, chosen)
            save()
        if "many" in args.part:
            folder = stage.work / f"many-{number}"
            family = cells.many(folder, 20 if args.quick else 200)
            stage.round(number, family, [c for c in chosen if c.name in ("bake", "onebuild")])
            save()


def printed(told: dict[str, str], runs: list[Run], locals_: list[local.Local], quick: bool) -> None:
    print("\n".join(f"{name:9} {value}" for name, value in told.items()), end="\n\n")
    few, many = (6, 20) if quick else (36, 200)
    for family, phase, title in (
        ("family", "cold", f"{few} cells, cold: a fresh engine, base images not pulled yet"),
        ("family", "warm", f"{few} cells, warm: the same command again"),
        ("many", "warm", f"{many} cells, warm"),
    ):
        if any((run.family, run.phase) == (family, phase) for run in runs):
            print(table.comparison(runs, family, phase, title))
    if locals_:
        print(table.local(locals_))
    if not quick:
        print(table.targets(runs, locals_))


def main() -> None:
    args = arguments()
    args.part = args.part or list(PARTS)
    onebuild = program(args.onebuild)
    logs = FOLDER / "log"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    runs: list[Run] = []
    locals_: list[local.Local] = []
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="work-") as work, Root() as root:
        told = facts(root, onebuild)

        def save() -> None:
            result = {"facts": told, "runs": [asdict(r) for r in runs],
                      "local": [asdict(one) for one in locals_]}
            (FOLDER / "result.json").write_text(json.dumps(result, indent=1) + "\n")

        if "local" in args.part:
            locals_ += local.measure_all(onebuild, Path(work), logs, args.quick)
            save()
        if {"family", "many"} & set(args.part):
            with Registry() as registry:
                compare(args, Stage(onebuild, root, registry, Path(work), logs, runs), save)
    printed(told, runs, locals_, args.quick)


def _stop(number: int, _: object) -> None:
    # A second one must not break off the cleaning up.
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
