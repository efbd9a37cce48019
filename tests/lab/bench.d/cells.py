"""The images to build: matrices, their rendered Dockerfiles, and the same for the other client."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab import CHECKOUT
from measure import Failed

# One layer of its own for each cell. The RUN step comes before it, so that filling an engine's
# cache takes 2 emulated steps, not 400: a warm run is measured.
MANY_TEMPLATE = """\
FROM alpine:3.20
COPY step.sh /usr/local/bin/step
RUN sh /usr/local/bin/step >/step.txt
COPY numbers/<%number%> /number
LABEL number=<%number%>
"""

MANY_MATRIX = """\
image: example/many
tag: cell-<%number%>
platforms: [linux/amd64, linux/arm64]
context: context
dockerfile: Dockerfile
axes:
  number: 1..{count}
"""

# The repository's own templates, with more versions than there will ever be.
LARGE_MATRIX = """\
image: example/large
tag: <%version%>-<%os%><%type.suffix%>
platforms: [linux/amd64, linux/arm64]
context: templates
dockerfile: <%os%>/Dockerfile
axes:
  os: [ubuntu, alpine]
  version: 2.0.0..2.0.{last}
  type:
    pro: {{ hack: hack, suffix: "" }}
    cn: {{ hack: hack_cn, suffix: -cn }}
vars:
  OnePanel_Version: <%version%>
  OnePanel_Type: <%type.hack%>
"""
# The level at which onebuild sets the annotations of an image for several platforms.
ANNOTATED = "manifest,index"


@dataclass
class Family:
    """A matrix, and the arguments of onebuild for it."""

    name: str
    matrix: Path
    select: list[str]
    host_network: bool
    cells: int

    def arguments(self, repository: str) -> list[str]:
        return ["--file", str(self.matrix), "--image", repository, *self.select]


def own_family(versions: list[str], registry: str, releases: str) -> Family:
    """The repository's own matrix, with as many of its versions."""
    select = ["--version", ",".join(versions), "--build-arg", f"RELEASES={releases}"]
    base = "quay.io/centos/centos:stream9"
    select += ["--base", f"{base}={registry}/centos/centos:stream9"]
    return Family("family", CHECKOUT / "matrix.yaml", select, True, 3 * 2 * len(versions))


def many(folder: Path, count: int) -> Family:
    """A matrix of `count` small cells, written into `folder`."""
    numbers = folder / "context" / "numbers"
    numbers.mkdir(parents=True)
    for number in range(1, count + 1):
        (numbers / str(number)).write_text(f"{number}\n")
    (folder / "context" / "step.sh").write_text("uname -m\n")
    (folder / "context" / "Dockerfile").write_text(MANY_TEMPLATE)
    (folder / "matrix.yaml").write_text(MANY_MATRIX.format(count=count))
    return Family("many", folder / "matrix.yaml", [], False, count)


def large(folder: Path, count: int) -> Path:
    """A matrix of `count` cells, a multiple of 4, of the repository's own templates."""
    folder.mkdir(parents=True)
    # A copy: a context outside the repository needs a grant.
    shutil.copytree(CHECKOUT / "templates", folder / "templates")
    (folder / "matrix.yaml").write_text(LARGE_MATRIX.format(last=count // 4 - 1))
    return folder / "matrix.yaml"


@dataclass
class Target:
    """One cell for the other client. All paths are absolute."""

    name: str
    dockerfile: str
    context: str
    platforms: list[str]
    tags: list[str]
    args: dict[str, str]
    labels: dict[str, str]
    annotations: dict[str, str]
    contexts: dict[str, str]
    network: str | None

    def bake(self) -> dict[str, object]:
        target: dict[str, object] = {
            "context": self.context, "dockerfile": self.dockerfile, "platforms": self.platforms,
            "tags": self.tags, "args": self.args, "labels": self.labels, "contexts": self.contexts,
            "annotations": [f"{ANNOTATED}:{key}={value}" for key, value in self.annotations.items()],
        }
        if self.network:
            target["network"] = self.network
        return target

    def build(self) -> list[str]:
        command = ["docker", "buildx", "build", "--push", "--file", self.dockerfile]
        command += ["--platform", ",".join(self.platforms)]
        command += [word for tag in self.tags for word in ("--tag", tag)]
        annotations = {f"{ANNOTATED}:{key}": value for key, value in self.annotations.items()}
        tables = {"--build-arg": self.args, "--label": self.labels, "--annotation": annotations, "--build-context": self.contexts}
        for flag, table in tables.items():
            command += [word for pair in table.items() for word in (flag, "=".join(pair))]
        if self.network:
            command += ["--network", self.network]
        return [*command, self.context]


def targets(onebuild: str, family: Family, repository: str, folder: Path) -> list[Target]:
    """Renders `family` into `folder`, and returns its cells for the other client."""
    arguments = family.arguments(repository)
    _output(onebuild, "render", "--out", str(folder), *arguments)
    plan = json.loads(_output(onebuild, "plan", "--format", "json", *arguments))
    if len(plan["cells"]) != family.cells:
        raise Failed(f"{family.name} has {len(plan['cells'])} cells, not {family.cells}")
    return [_target(cell, family, folder) for cell in plan["cells"]]


def _target(cell: dict, family: Family, folder: Path) -> Target:
    if cell["target"]:
        raise Failed(f"{cell['cell']} has a target, which is not passed to the other client")
    file = re.sub("[/:]", "_", cell["cell"]) + ".Dockerfile"
    return Target(
        name=re.sub("[^A-Za-z0-9_-]", "_", cell["cell"]),
        dockerfile=str(folder / file),
        context=str(family.matrix.parent / cell["context"]),
        platforms=cell["platforms"],
        tags=cell["references"],
        args=cell["args"],
        labels=cell["labels"],
        annotations=cell["annotations"],
        contexts={name: f"docker-image://{base}" for name, base in cell["bases"].items()},
        network="host" if family.host_network else None,
    )


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
