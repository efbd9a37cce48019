"""Creates release packages in the layout of upstream's two sites, from one compiled program per architecture.

    pack.py PACKAGE OUT ARCH=PROGRAM...

PACKAGE is the directory of the files in a package besides the programs. Writes OUT/v2/stable/... (edition
pro) and OUT/1panel/package/v2/stable/... (edition cn), each with <version>/release/1panel-<version>-
linux-<arch>.tar.gz and checksums.txt. Besides the good versions there are broken ones, for tests: see BROKEN.
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
    "v9.9.1": "checksum",  # checksums.txt has the wrong checksum for the archive
    "v9.9.2": "truncated",  # half an archive, whose checksum is right
    "v9.9.3": "hostile",  # an archive with a member outside of its directory, through ../
    "v9.9.4": "installer",  # an installer that starts an unknown service
}
# Fixed, so that the same program always produces the same archive and the same image.
MTIME = 1735689600
NEW_SERVICE = b"\nsystemctl start 1panel-gateway.service\n"


def replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    """There must be exactly one."""
    if content.count(old) != 1:
        sys.exit(f"pack.py: {old!r} occurs {content.count(old)} times, not once")
    return content.replace(old, new)


def stamped(program: bytes, field: str, value: str) -> bytes:
    """Overwrites a 24-byte field of the compiled program."""
    return replaced(program, f"@{field}@".encode().ljust(24, b"\0"), value.encode().ljust(24, b"\0"))


def members(package: pathlib.Path, version: str, edition: str, program: bytes, fault: str | None) -> dict[str, tuple[bytes, int]]:
    """Content and mode by path."""
    program = stamped(stamped(program, "version", version), "edition", edition)
    found = {"1panel-core": (program, 0o755), "1panel-agent": (program, 0o755)}
    for path in sorted(package.rglob("*")):
        if path.is_file():
            mode = 0o755 if path.name in ("install.sh", "1pctl") else 0o644
            found[str(path.relative_to(package))] = (path.read_bytes(), mode)
    ctl, mode = found["1pctl"]
    found["1pctl"] = (replaced(ctl, b"ORIGINAL_VERSION=v2.0.0\n", f"ORIGINAL_VERSION={version}\n".encode()), mode)
    found["GeoIP.mmdb"] = (b"This would be a database of places.\n", 0o644)
    found["README.md"] = (b"A stand-in for a 1Panel release, made by onebuild's lab. It holds no panel.\n", 0o644)
    if fault == "hostile":
        found["../../outside"] = (b"this file must never be unpacked\n", 0o644)
    if fault == "installer":
        script, mode = found["install.sh"]
        found["install.sh"] = (script + NEW_SERVICE, mode)
    return found


def archive(folder: str, content: dict[str, tuple[bytes, int]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in [folder, *sorted({f"{folder}/{path.rpartition('/')[0]}" for path in content if "/" in path and ".." not in path})]:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, MTIME
            tar.addfile(member)
        for path, (data, mode) in content.items():
            member = tarfile.TarInfo(f"{folder}/{path}")
            member.size, member.mode, member.mtime = len(data), mode, MTIME
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), compresslevel=1, mtime=MTIME)


def main() -> None:
    package, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    programs = {arch: pathlib.Path(path).read_bytes() for arch, path in (a.split("=", 1) for a in sys.argv[3:])}
    for edition, site in SITES.items():
        for version in [*VERSIONS, *BROKEN]:
            fault = BROKEN.get(version)
            release = out / site / version / "release"
            release.mkdir(parents=True)
            lines = []
            for arch, program in programs.items():
                folder = f"1panel-{version}-linux-{arch}"
                packed = archive(folder, members(package, version, edition, program, fault))
                if fault == "truncated":
                    packed = packed[: len(packed) // 2]
                listed = packed + b"other" if fault == "checksum" else packed
                (release / f"{folder}.tar.gz").write_bytes(packed)
                lines.append(f"{hashlib.sha256(listed).hexdigest()}  {folder}.tar.gz\n")
            (release / "checksums.txt").write_text("".join(lines))


main()
