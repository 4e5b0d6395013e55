"""A server for one reader on this machine: the page, and the state of a study as JSON."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from fedrl.benchmark.inspection.watch_page import PAGE

HOST = "127.0.0.1"  # loopback only: results are nobody else's business
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)


def serve(state: Callable[[], dict[str, Any]], port: int = 0) -> ThreadingHTTPServer:
    """A server that is bound and not yet answering; port 0 takes a free one.

    Names of other hosts are refused, so that no page elsewhere can read it by rebinding its name.
    """
    lock = Lock()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
            if host not in (HOST, "localhost"):
                self._send(403, b"only this machine", "text/plain")
            elif self.path == "/":
                self._send(200, PAGE.encode(), "text/html; charset=utf-8")
            elif self.path == "/state":
                with lock:
                    told = json.dumps(state(), allow_nan=False)
                self._send(200, told.encode(), "application/json")
            else:
                self._send(404, b"nothing here", "text/plain")

        def _send(self, code: int, content: bytes, kind: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the terminal belongs to the command."""

    return ThreadingHTTPServer((HOST, port), Answers)
