"""Builds the base images from the shared layers, as blobs of an OCI layout.

    image.py BASES OUT ARCH=LAYER.tar.gz...

BASES is the directory of this file. Writes OUT/blobs/sha256/... and OUT/images: a line
`REPOSITORY:TAG DIGEST` for each image index. An image has the layer of its architecture and a
small one with its /etc/os-release and its stand-in package manager. For Alpine, that layer also replaces
Debian's shell and tools with busybox, which scripts have to work with there.

Differences from the real images: there is no package archive behind apt-get, dnf or apk (package-manager.sh);
libc is Debian's glibc in all three, so nothing here proves that a program runs on musl; versions of
programs are Debian's; CentOS has no rpm database and no SELinux labels.
"""

import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile

IMAGES = {
    "ubuntu": ("library/ubuntu:24.04", "usr/bin/apt-get", "/bin/bash"),
    "ubuntu-22.04": ("library/ubuntu:22.04", "usr/bin/apt-get", "/bin/bash"),
    "centos": ("centos/centos:stream9", "usr/bin/dnf", "/bin/bash"),
    "alpine": ("library/alpine:3.20", "sbin/apk", "/bin/sh"),
}
CLIENT = ("library/docker:28-cli", {"usr/local/bin/docker": "docker.sh", "usr/local/libexec/docker/cli-plugins/docker-compose": "docker-compose.sh"})
# The directory of programs that are hidden until a package manager installs them.
HELD = "usr/share/stand-in/held/"
# busybox has an applet for each of these, but Alpine's image does not, or has another program.
NOT_BUSYBOX = {"ar", "busybox", "dpkg", "dpkg-deb", "rpm", "rpm2cpio", "tar"}
MTIME = 1735689600
CREATED = "2025-01-01T00:00:00Z"


class Blobs:
    """Content by its digest, in a directory."""

    def __init__(self, out: pathlib.Path):
        self.folder = out / "blobs/sha256"
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, content: bytes, media_type: str) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def add_json(self, value: dict, media_type: str) -> dict:
        return self.add(json.dumps(value, indent=1).encode(), media_type)

    def add_layer(self, tree: bytes) -> tuple[dict, str]:
        """Adds an uncompressed layer; returns it with its diff id."""
        packed = gzip.compress(tree, 6, mtime=0)
        return self.add(packed, "application/vnd.oci.image.layer.v1.tar+gzip"), f"sha256:{hashlib.sha256(tree).hexdigest()}"


def layer_of(files: dict[str, tuple[bytes, int]], links: dict[str, str]) -> bytes:
    """An uncompressed layer of files (content and mode by path) and of symlinks (target by path)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in sorted([*files, *links]):
            member = tarfile.TarInfo(name)
            member.mtime = MTIME
            content, member.mode = files.get(name, (b"", 0o644))
            member.size = len(content)
            if name in links:
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, links[name], 0o777
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def overlay(bases: pathlib.Path, family: str, manager: str, names: set[str], applets: list[str], bash: bytes) -> bytes:
    """The uncompressed layer in which the images of one architecture differ. `names`: the files in the lower layer."""
    files = {
        "etc/os-release": ((bases / family / "os-release").read_bytes(), 0o644),
        "usr/share/stand-in/packages": ((bases / family / "packages").read_bytes(), 0o644),
        manager: ((bases / "package-manager.sh").read_bytes(), 0o755),
    }
    links = {}
    # A script that detects the system by dpkg must not find it here.
    gone = [] if manager.endswith("apt-get") else [name for name in names if name.startswith("usr/bin/dpkg")]
    if family == "alpine":
        for applet in applets:
            if applet not in NOT_BUSYBOX:
                places = [f"{folder}/{applet}" for folder in ("bin", "sbin", "usr/bin", "usr/sbin")]
                # In every directory: the shell uses the first on its path, a script's first line any of them.
                for place in [p for p in places if p in names] or places[2:3]:
                    links[place] = "/bin/busybox"
        gone += ["bin/bash", "bin/dash"]
        files[HELD + "bin/bash"] = (bash, 0o755)
    whiteouts = {f"{p.rpartition('/')[0]}/.wh.{p.rpartition('/')[2]}": (b"", 0o644) for p in gone}
    return layer_of(files | whiteouts, links)


def client(bases: pathlib.Path) -> bytes:
    """The layer of Docker's client, the same for every architecture."""
    return layer_of({path: ((bases / script).read_bytes(), 0o755) for path, script in CLIENT[1].items()}, {})


def check(bases: pathlib.Path, family: str, names: set[str]) -> None:
    """Checks that the files that prove the packages exist."""
    for line in (bases / family / "packages").read_text().splitlines():
        package, proof = line.split(" ")
        if proof != "-" and proof not in names:
            sys.exit(f"image.py: {family}/packages has /{proof} for {package}, which is not in the shared layer")


def main() -> None:
    bases, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    applets = (out / "applets").read_text().split()
    blobs = Blobs(out)
    indexes: dict[str, list] = {}
    for arch, path in (argument.split("=", 1) for argument in sys.argv[3:]):
        packed = pathlib.Path(path).read_bytes()
        tree = gzip.decompress(packed)
        with tarfile.open(fileobj=io.BytesIO(tree)) as tar:
            names = set(tar.getnames())
            bash = tar.extractfile("bin/bash").read()
        shared = blobs.add(packed, "application/vnd.oci.image.layer.v1.tar+gzip")
        shared_id = f"sha256:{hashlib.sha256(tree).hexdigest()}"
        stacks = []
        for family, (reference, manager, shell) in IMAGES.items():
            check(bases, family, names)
            own = blobs.add_layer(overlay(bases, family, manager, names, applets, bash))
            stacks.append((reference, shell, [(shared, shared_id), own]))
        stacks.append((CLIENT[0], "/usr/local/bin/docker", [blobs.add_layer(client(bases))]))
        for reference, command, stack in stacks:
            config = {
                "created": CREATED,
                "architecture": arch,
                "os": "linux",
                "config": {
                    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                    "Cmd": [command],
                    "Labels": {"org.opencontainers.image.description": f"a stand-in for {reference}, made of Debian packages"},
                },
                "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in stack]},
                "history": [{"created": CREATED, "comment": "Debian packages"}] * (len(stack) - 1)
                + [{"created": CREATED, "comment": f"a stand-in for {reference}"}],
            } | ({"variant": "v8"} if arch == "arm64" else {})
            manifest = {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": blobs.add_json(config, "application/vnd.oci.image.config.v1+json"),
                "layers": [layer for layer, _ in stack],
            }
            platform = {"os": "linux", "architecture": arch} | ({"variant": "v8"} if arch == "arm64" else {})
            indexes.setdefault(reference, []).append(blobs.add_json(manifest, manifest["mediaType"]) | {"platform": platform})
    lines = []
    for reference, manifests in indexes.items():
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
        lines.append(f"{reference} {blobs.add_json(index, index['mediaType'])['digest']}\n")
    (out / "images").write_text("".join(lines))


main()
