"""The results as text: medians, ranges, ratios, and the targets."""

import statistics
from typing import Callable

from clients import CLIENTS
from context import PROGRAMS, Sent
from local import Local
from measure import Sample
from recorded import KINDS, Compared, Grown
from rounds import Run
from transport import Carried

PEER = "bake"


def select(runs: list[Run], family: str, phase: str, client: str) -> list[Run]:
    return [r for r in runs if (r.family, r.phase, r.client) == (family, phase, client)]


def median(runs: list[Run], value: Callable[[Run], float]) -> float | None:
    """Median of the successful runs; `None` for a client that failed."""
    if not runs or any(run.error for run in runs):
        return None
    return statistics.median(value(run) for run in runs)


def wall(run: Run) -> float:
    return run.sample.wall


def comparison(runs: list[Run], family: str, phase: str, title: str) -> str:
    peer = median(select(runs, family, phase, PEER), wall)
    rows = [["client", "wall, s", "/bake", "client CPU, s", "client MB", "engine CPU, s"]]
    notes = []
    for client in CLIENTS:
        mine = select(runs, family, phase, client.name)
        if not mine:
            continue
        rows.append([client.title, *_numbers(mine, peer)])
        notes += [f"  {client.title}, round {run.round}: {run.error}" for run in mine if run.error]
    return "\n".join([title, *_columns(rows), *notes, ""])


def settings(runs: list[Run]) -> str:
    """The settings of each client."""
    measured = {run.client for run in runs}
    rows = [[one.title, one.settings] for one in CLIENTS if one.name in measured]
    return "\n".join(["settings", *_columns(rows), ""]) if rows else ""


def carried(results: list[Carried]) -> str:
    """Both ways to BuildKit, for each task."""
    rows = [["task", "way", "wall, s", "client CPU, s", "client MB", "open files", "engine CPU, s"]]
    for task in dict.fromkeys(one.task for one in results):
        for way in dict.fromkeys(one.way for one in results):
            mine = [one for one in results if (one.task, one.way) == (task, way)]
            rows.append([
                task, way, _ranged([one.sample.wall for one in mine]),
                _ranged([one.sample.cpu for one in mine]),
                _ranged([one.sample.peak(("onebuild",)) / 1024 for one in mine], 0),
                _ranged([one.sample.files["onebuild"] for one in mine], 0),
                _ranged([one.sample.engine_cpu for one in mine]),
            ])
    title = "gRPC on a socket of its own, and the upgrade of POST /grpc, both through a relay"
    return "\n".join([title, *_columns(rows), ""])


def contexts(results: list[Sent]) -> str:
    rows = [["client", "wall, s", "client CPU, s", "client MB", "engine CPU, s"]]
    for client in PROGRAMS:
        mine = [one for one in results if one.client == client]
        rows.append([
            client, _ranged([one.sample.wall for one in mine]),
            _ranged([one.sample.cpu for one in mine]),
            _ranged([one.peak_kib / 1024 for one in mine], 0),
            _ranged([one.sample.engine_cpu for one in mine]),
        ])
    title = f"a context of {results[0].count} small files, which are new to the engine"
    return "\n".join([title, *_columns(rows), ""])


def recorded(results: list[Compared], cells: int) -> str:
    """Each kind of run, with the median of what it adds to the kind before it in the same round."""
    rows = [["record", "wall, s", "more", "client CPU, s", "more", "client MB"]]
    for kind in KINDS:
        mine = [one.sample for one in results if one.kind == kind]
        more = [
            f"{statistics.median(difference):+.3f}" if (difference := added(results, kind, value)) else ""
            for value in (lambda one: one.wall, lambda one: one.cpu)
        ]
        rows.append([
            kind, _ranged([one.wall for one in mine]), more[0], _ranged([one.cpu for one in mine], 3), more[1],
            _ranged([one.peak(("onebuild",)) / 1024 for one in mine], 0),
        ])
    title = f"{cells} cells, warm: {len(results) // len(KINDS)} rounds, without the record, with it, and with all reports"
    return "\n".join([title, *_columns(rows), ""])


def added(results: list[Compared], kind: str, value: Callable[[Sample], float]) -> list[float]:
    """What a kind of run adds in each round to the kind before it. Nothing is before the first one."""
    before = dict(zip(KINDS[1:], KINDS)).get(kind)
    without = {one.round: value(one.sample) for one in results if one.kind == before}
    return [value(one.sample) - without[one.round] for one in results if one.kind == kind and without]


def grown(results: list[Grown]) -> str:
    rows = [["cells", "pushed so far", "MB now", "MB at most so far", "open files"]]
    rows += [
        [str(one.cells), str(one.pushed), f"{one.resident / 1024:.1f}", f"{one.peak / 1024:.1f}", str(one.files)]
        for one in results
    ]
    title = "onebuild while trivial cells are built and pushed, with the record"
    return "\n".join([title, *_columns(rows), ""])


def _numbers(runs: list[Run], peer: float | None) -> list[str]:
    failed = sum(1 for run in runs if run.error)
    if failed:
        return [f"failed {failed} of {len(runs)}", "-", "-", "-", "-"]
    ratio = f"{median(runs, wall) / peer:.2f}" if peer else "-"
    return [
        _ranged([wall(run) for run in runs]), ratio,
        _ranged([run.sample.cpu for run in runs]),
        _ranged([run.peak_kib / 1024 for run in runs], 0),
        _ranged([run.sample.engine_cpu for run in runs]),
    ]


def _ranged(values: list[float], digits: int = 2) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def local(results: list[Local]) -> str:
    rows = [["command", "wall, ms", "MB", "runs"]]
    for one in results:
        peak = f"{one.peak_kib / 1024:.0f}" if one.peak_kib else "-"
        rows.append([one.name, _ranged(one.milliseconds, 1), peak, str(len(one.milliseconds))])
    return "\n".join(["onebuild alone", *_columns(rows), ""])


def targets(result: "Result") -> str:
    """Each target: the result, and whether it is good enough. Unmeasured targets are omitted."""
    runs, locals_, lines = result.runs, result.local, []

    def line(what: str, value: float | None, limit: float | None, unit: str) -> None:
        if value is not None and limit is not None:
            word = "pass" if value <= limit else "MISS"
            lines.append([word, what, f"{value:.2f} {unit}", f"at most {limit:.2f} {unit}"])

    def at(phase: str, client: str) -> float | None:
        return median(select(runs, "family", phase, client), wall)

    bake = at("warm", PEER)
    every = select(runs, "many", "warm", "onebuild")
    if every:
        failed = sum(1 for run in every if run.error)
        word = "MISS" if failed else "pass"
        lines.append([word, "200 cells succeed", f"{len(every) - failed} of {len(every)} rounds", ""])
    line("warm, defaults: half of bake", at("warm", "onebuild"), bake and bake / 2, "s")
    line("warm, settings of bake", at("warm", "onebuild-full"), bake, "s")
    line("warm, settings of bake, bare", at("warm", "onebuild-bare"), at("warm", "bake-bare"), "s")
    line("cold, defaults", at("cold", "onebuild"), at("cold", PEER), "s")
    line("cold, settings of bake", at("cold", "onebuild-full"), at("cold", PEER), "s")
    ours = [run.peak_kib / 1024 for run in runs if run.client.startswith("onebuild")]
    line("memory of onebuild, any run", max(ours, default=None), 30, "MB")
    if result.recorded:
        without = statistics.median(one.sample.wall for one in result.recorded if one.kind == KINDS[0])
        for kind, name in zip(KINDS[1:], ("the record of a warm run", "all reports of a warm run")):
            more = statistics.median(added(result.recorded, kind, lambda one: one.wall))
            line(name, 100 * more / without, 3, "%")
    line("memory while many cells end", max((one.peak / 1024 for one in result.grown), default=None), 30, "MB")
    for one in locals_:
        for start, limit in (("--help", 5), ("plan", 25), ("render", 500)):
            if one.name.startswith(start):
                line(one.name, one.median, limit, "ms")
    return "\n".join(["targets", *_columns(lines), ""]) if lines else ""


def _columns(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]
