"""A static file server on loopback: files.py DIRECTORY PORT.

Like python3 -m http.server, without directory listings, and with a queue long enough for concurrent downloads
of a whole matrix: with the default of 5, connections are retried after a second.
/for/WORD before a path is ignored: it marks the requests of one run in the log.
"""

import functools
import http.server
import re
import sys


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def translate_path(self, path):
        return super().translate_path(re.sub(r"^/for/[\w-]+(?=/)", "", path))

    def list_directory(self, path):
        self.send_error(404, "no directory listings")


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256


folder, port = sys.argv[1], int(sys.argv[2])
Server(("127.0.0.1", port), functools.partial(Files, directory=folder)).serve_forever()
