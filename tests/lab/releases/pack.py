"""Lays out release packages as upstream's two sites do, from one compiled program an architecture.

    pack.py OUT ARCH=PROGRAM...

Writes OUT/v2/stable/... (edition pro) and OUT/1panel/package/v2/stable/... (edition cn), each with
<version>/release/1panel-<version>-linux-<arch>.tar.gz and checksums.txt. Beside the good versions
lie three broken ones, for tests: see BROKEN.
"""

import gzip
import hashlib
import io
import pathlib
import sys
import tarfile

SITES = {"pro": "v2/stable", "cn": "1panel/package/v2/stable"}
VERSIONS = [f"v2.0.{patch}" for patch in range(14)]
BROKEN = {
    "v9.9.1": "checksum",  # checksums.txt lists another checksum than the archive has
    "v9.9.2": "truncated",  # half an archive, whose checksum is right
    "v9.9.3": "hostile",  # an archive with a member that leaves its folder by ../
}
# Fixed, so that the same program gives the same archive and the same image, whenever it is made.
MTIME = 1735689600

PCTL = b"""#!/bin/sh
# Stands in for upstream's 1pctl, which is a shell script too.
case ${1:-} in
    version) exec 1panel-core version ;;
    *) echo "1pctl: unknown command '${1:-}': this stand-in knows only 'version'" >&2; exit 2 ;;
esac
"""


def stamp(program: bytes, field: str, value: str) -> bytes:
    """Overwrites a 24-byte field of the compiled program; exactly one must be there."""
    old = f"@{field}@".encode().ljust(24, b"\0")
    if program.count(old) != 1:
        sys.exit(f"pack.py: the compiled program has {program.count(old)} fields {field!r}, not 1")
    return program.replace(old, value.encode().ljust(24, b"\0"))


def package(version: str, edition: str, arch: str, program: bytes, hostile: bool) -> bytes:
    folder = f"1panel-{version}-linux-{arch}"
    program = stamp(stamp(program, "version", version), "edition", edition)
    members = [
        ("1panel-core", program, 0o755),
        ("1panel-agent", program, 0o755),
        ("1pctl", PCTL, 0o755),
        ("README", b"A stand-in for a 1Panel release, made by onebuild's lab. It holds no panel.\n", 0o644),
    ]
    if hostile:
        members.append(("../../outside", b"this file must never be unpacked\n", 0o644))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        top = tarfile.TarInfo(folder)
        top.type, top.mode, top.mtime = tarfile.DIRTYPE, 0o755, MTIME
        tar.addfile(top)
        for name, content, mode in members:
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mode, member.mtime = len(content), mode, MTIME
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=1, mtime=MTIME)


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    programs = {arch: pathlib.Path(path).read_bytes() for arch, path in (a.split("=", 1) for a in sys.argv[2:])}
    for edition, site in SITES.items():
        for version in [*VERSIONS, *BROKEN]:
            fault = BROKEN.get(version)
            release = out / site / version / "release"
            release.mkdir(parents=True)
            lines = []
            for arch, program in programs.items():
                archive = package(version, edition, arch, program, fault == "hostile")
                if fault == "truncated":
                    archive = archive[: len(archive) // 2]
                listed = archive + b"other" if fault == "checksum" else archive
                name = f"1panel-{version}-linux-{arch}.tar.gz"
                (release / name).write_bytes(archive)
                lines.append(f"{hashlib.sha256(listed).hexdigest()}  {name}\n")
            (release / "checksums.txt").write_text("".join(lines))


main()
