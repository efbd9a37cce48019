"""Prints sizes of the 1Panel family's images: sizes.py HOST:PORT REPOSITORY FIRST SECOND. See sizes."""

import json
import sys
import urllib.error
import urllib.request
import zlib

ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
SYSTEMS = ("ubuntu", "centos", "alpine")
EDITIONS = (("pro", ""), ("cn", "-cn"))


class Repository:
    """One repository of a registry on loopback, read by plain HTTP."""

    def __init__(self, host: str, name: str):
        self.base = f"http://{host}/v2/{name}"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.unpacked_by_digest: dict[str, int] = {}

    def get(self, path: str):
        return self.opener.open(urllib.request.Request(f"{self.base}/{path}", headers={"Accept": ACCEPT}), timeout=60)

    def images(self, tag: str) -> dict[str, dict]:
        """Manifests by architecture, each with its own descriptor as `self`."""
        with self.get(f"manifests/{tag}") as answer:
            index = json.load(answer)
        found = {}
        for descriptor in index["manifests"]:
            with self.get(f"manifests/{descriptor['digest']}") as answer:
                found[descriptor["platform"]["architecture"]] = json.load(answer) | {"self": descriptor}
        return found

    def unpacked(self, layer: dict) -> int:
        """The size of a layer's tar."""
        digest = layer["digest"]
        if digest not in self.unpacked_by_digest:
            size, inflate = 0, zlib.decompressobj(wbits=31)
            with self.get(f"blobs/{digest}") as answer:
                while chunk := answer.read(1 << 16):
                    size += len(inflate.decompress(chunk))
            self.unpacked_by_digest[digest] = size + len(inflate.flush())
        return self.unpacked_by_digest[digest]

    def cost(self, image: dict, present: set[str]) -> tuple[int, int, int]:
        """Number of layers, download size and unpacked size of an image, without the layers that are present."""
        layers = [layer for layer in image["layers"] if layer["digest"] not in present]
        download = image["self"]["size"] + image["config"]["size"] + sum(layer["size"] for layer in layers)
        return len(layers), download, sum(self.unpacked(layer) for layer in layers)


def main() -> None:
    host, name, first, second = sys.argv[1:]
    repository = Repository(host, name)
    print("| image | layers | download | unpacked | new in the next version: layers | download | unpacked |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for system in SYSTEMS:
        for edition, suffix in EDITIONS:
            one, other = (repository.images(f"dood-{version}-{system}{suffix}") for version in (first, second))
            for arch in sorted(one):
                whole = repository.cost(one[arch], set())
                more = repository.cost(other[arch], {layer["digest"] for layer in one[arch]["layers"]})
                numbers = " | ".join(f"{number:,}" for number in (*whole, *more))
                print(f"| {system} {edition} {arch} | {numbers} |")


try:
    main()
except urllib.error.HTTPError as error:
    sys.exit(f"sizes.py: {error.url} answered {error.code}: push both versions first, as tests/lab/demo does")
