"""Two ways to the BuildKit of one engine, on sockets of their own.

`grpc` asks the engine for the upgrade itself, so that its clients speak HTTP/2 from the first byte, as to a
buildkitd. `docker` forwards everything unchanged, so that both ways pay for the copying.
"""

import os
import socket
import threading
from pathlib import Path

UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
PIECE = 1 << 20


class Relay:
    """Serves connections until the end of this program."""

    def __init__(self, path: Path, engine: str, upgrades: bool) -> None:
        self.engine = engine.removeprefix("unix://")
        self.upgrades = upgrades
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.engine)
        if self.upgrades:
            far.sendall(UPGRADE)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += far.recv(1)
        back = threading.Thread(target=_copy, args=(far, near), daemon=True)
        back.start()
        _copy(near, far)
        back.join()
        near.close()
        far.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copies in the kernel, through a pipe."""
    outer, inner = os.pipe()
    try:
        while count := os.splice(source.fileno(), inner, PIECE):
            while count:
                count -= os.splice(outer, target.fileno(), count)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side has closed the connection
    finally:
        os.close(outer)
        os.close(inner)
