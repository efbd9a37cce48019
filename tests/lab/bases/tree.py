"""Converts the output of mmdebstrap to the layer that all base images of one architecture share.

    tree.py DEBIAN.tar LAYER.tar.gz

Maintainer scripts have not run, so the few files that they would have created, and that the images need, are
created here. Unused files are omitted, because every test that builds unpacks the layer.
"""

import gzip
import io
import re
import sys
import tarfile

LEFT_OUT = re.compile(
    r"usr/share/(doc|man|info|locale|lintian|bash-completion|perl|perl5|zsh|bug|pixmaps|menu|icons)(/|$)"
    r"|usr/(lib/[^/]+|share)/(perl|perl5|perl-base)(/|$)|usr/lib/[^/]+/(libperl|gconv)"
    r"|usr/bin/perl|usr/lib/python3[^/]*/(pydoc_data|lib2to3|ensurepip|idlelib|turtledemo|config-)"
    r"|usr/lib/(systemd|udev)(/|$)|lib/systemd(/|$)"
    # The mirror, the resolver and the host name of the machine that ran mmdebstrap must not be in the images.
    r"|etc/(apt|hostname|resolv\.conf|fstab|machine-id)(/|$)|var/(lib/(apt|dpkg)|cache|log)/."
)
CERTIFICATES = re.compile(r"usr/share/ca-certificates/mozilla/.+\.crt$")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ndaemon:x:1:\nstaff:x:50:\nnogroup:x:65534:\n",
}
FOLDERS = ["media", "mnt", "opt", "srv", "usr/local", *(f"usr/local/{name}" for name in ("bin", "etc", "lib", "sbin", "share"))]
LINKS = {"usr/bin/awk": "mawk", "usr/bin/which": "which.debianutils", "var/run": "/run", "var/lock": "/run/lock"}
# The times of files are those of their packages; files that are created here have this one.
MTIME = 1735689600


def entry(name: str, kind: bytes, mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.mtime = kind, mode, MTIME
    return made


def order(kept: tuple[tarfile.TarInfo, bytes]) -> tuple[bool, str]:
    """Directories before their entries; hard links after all files, because their targets must exist."""
    return kept[0].islnk(), kept[0].name


def main() -> None:
    source, target = sys.argv[1:]
    kept: dict[str, tuple[tarfile.TarInfo, bytes]] = {}
    certificates = []
    with tarfile.open(source) as tar:
        for member in tar:
            member.name = member.name.removeprefix("./").rstrip("/")
            # Docker creates /dev in containers; directories from unpacking have the current time.
            if member.name in ("", ".") or LEFT_OUT.match(member.name) or member.name.startswith("dev/"):
                continue
            content = tar.extractfile(member).read() if member.isreg() else b""
            if CERTIFICATES.match(member.name):
                certificates.append((member.name, content))
            if member.isdir():
                member.mtime = MTIME
            member.uname = member.gname = ""
            member.pax_headers = {}
            kept[member.name] = (member, content)

    bundle = b"".join(content for _, content in sorted(certificates))
    files = {name: text.encode() for name, text in FILES.items()} | {"etc/ssl/certs/ca-certificates.crt": bundle}
    for name, content in files.items():
        kept[name] = (entry(name, tarfile.REGTYPE), content)
    for name in FOLDERS:
        kept[name] = (entry(name, tarfile.DIRTYPE, 0o755), b"")
    for name, goal in LINKS.items():
        link = entry(name, tarfile.SYMTYPE, 0o777)
        link.linkname = goal
        kept[name] = (link, b"")

    with open(target, "wb") as out, gzip.GzipFile("", "wb", 4, out, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for member, content in sorted(kept.values(), key=order):
                if member.islnk():
                    member.linkname = member.linkname.removeprefix("./")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


main()
