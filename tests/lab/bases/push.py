"""Pushes the images of image.py to a registry on loopback: push.py OUT HOST:PORT.

A tag that already has the right index costs one request.
"""

import http.client
import json
import pathlib
import sys
from urllib.parse import urlsplit

ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"


class Registry:
    """The few requests of the distribution API that a push needs."""

    def __init__(self, address: str):
        self.connection = http.client.HTTPConnection(address, timeout=60)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, named)
        response = self.connection.getresponse()
        response.text = response.read().decode(errors="replace")
        return response

    def expect(self, status: int, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
        response = self.request(method, path, body, **headers)
        if response.status != status:
            sys.exit(f"push.py: {method} {path} answered {response.status}, not {status}: {response.text[:500]}")
        return response

    def blob(self, repository: str, descriptor: dict, content: bytes, mount_from: str) -> None:
        digest = descriptor["digest"]
        if self.request("HEAD", f"/v2/{repository}/blobs/{digest}").status == 200:
            return
        started = self.request("POST", f"/v2/{repository}/blobs/uploads/?mount={digest}&from={mount_from}")
        if started.status == 201:
            return
        if started.status != 202:
            sys.exit(f"push.py: an upload to {repository} answered {started.status}: {started.text[:500]}")
        place = urlsplit(started.headers["Location"])
        query = f"{place.query}&digest={digest}" if place.query else f"digest={digest}"
        self.expect(201, "PUT", f"{place.path}?{query}", content, Content_Type="application/octet-stream")


def main() -> None:
    out, registry = pathlib.Path(sys.argv[1]), Registry(sys.argv[2])

    def content(digest: str) -> bytes:
        return (out / "blobs" / digest.replace(":", "/")).read_bytes()

    images = [line.split() for line in (out / "images").read_text().splitlines()]
    first = images[0][0].split(":")[0]
    for reference, digest in images:
        repository, tag = reference.split(":")
        there = registry.request("HEAD", f"/v2/{repository}/manifests/{tag}", Accept=ACCEPT)
        if there.status == 200 and there.headers.get("Docker-Content-Digest") == digest:
            continue
        index = json.loads(content(digest))
        for child in index["manifests"]:
            manifest = json.loads(content(child["digest"]))
            for descriptor in [*manifest["layers"], manifest["config"]]:
                registry.blob(repository, descriptor, content(descriptor["digest"]), first)
            path = f"/v2/{repository}/manifests/{child['digest']}"
            registry.expect(201, "PUT", path, content(child["digest"]), Content_Type=child["mediaType"])
        path = f"/v2/{repository}/manifests/{tag}"
        registry.expect(201, "PUT", path, content(digest), Content_Type=index["mediaType"])
        print(f"pushed {reference} {digest}")


main()
