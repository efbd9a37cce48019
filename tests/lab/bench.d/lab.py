"""The parts of the lab for the benchmark: new engines, a registry, and its root, in which the other client runs."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from measure import Failed

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent
CHECKOUT = SCRIPTS.parent.parent
STATE = Path(os.environ["ONEBUILD_LAB_STATE"])
ENGINE = "bench"
INDEX = "application/vnd.oci.image.index.v1+json"
ACCEPTED = (
    f"{INDEX}, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


def said(*command: str | Path) -> str:
    """The output of a command of the lab."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"`{' '.join(map(str, command))}` ended with {done.returncode}")
    return done.stdout.strip()


class Engine:
    """A new engine, removed at the end."""

    def __enter__(self) -> "Engine":
        said(SCRIPTS / "engine", "remove", ENGINE)  # of a run that was killed
        said(SCRIPTS / "engine", "start", ENGINE)
        self.host = "unix://" + said(SCRIPTS / "engine", "socket", ENGINE)
        return self

    def __exit__(self, *_: object) -> None:
        said(SCRIPTS / "engine", "remove", ENGINE)

    def cpu(self) -> float:
        """CPU seconds of it and all its processes."""
        return float(said(SCRIPTS / "engine", "cpu", ENGINE))


class Registry:
    """An empty registry, removed at the end."""

    def __enter__(self) -> "Registry":
        self.address = said(HERE / "registry", "start")
        return self

    def __exit__(self, *_: object) -> None:
        said(HERE / "registry", "remove")

    def has(self, reference: str) -> bool:
        return self._manifest(reference) is not None

    def platforms(self, reference: str) -> list[str]:
        """The platforms of a pushed image, `[]` when it was not pushed."""
        manifests = (self._manifest(reference) or {}).get("manifests", [])
        names = [f"{m['platform']['os']}/{m['platform']['architecture']}" for m in manifests]
        return sorted(name for name in names if "unknown" not in name)  # attestations are that

    def _manifest(self, reference: str) -> dict | None:
        repository, tag = reference.removeprefix(f"{self.address}/").rsplit(":", 1)
        url = f"http://{self.address}/v2/{repository}/manifests/{tag}"
        request = urllib.request.Request(url, headers={"Accept": ACCEPTED})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise Failed(f"{url} answered {error.code}") from error


class Root:
    """The lab's root, kept open so that a command starts in it without delay.

    tests/lab/in creates its mounts every time, which must not count as the other client's time. A process
    that waits there for the end of its input keeps the mounts; nsenter runs the command in them.
    """

    def __enter__(self) -> "Root":
        self.holder = subprocess.Popen(
            [SCRIPTS / "in", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
        )
        self.holder.stdin.write(b"here\n")
        self.holder.stdin.flush()
        if self.holder.stdout.readline() != b"here\n":
            raise Failed("the lab's root cannot be entered")
        shell = self.holder.pid
        self.pid = int(Path(f"/proc/{shell}/task/{shell}/children").read_text())
        return self

    def __exit__(self, *_: object) -> None:
        self.holder.stdin.close()
        self.holder.wait()

    def command(self, command: list[str]) -> list[str]:
        """`command`, to be run in the root."""
        return ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", "--", *command]
