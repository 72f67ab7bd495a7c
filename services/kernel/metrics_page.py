"""`/metrics`, `/healthz` and `/readyz` of one process, on an address of their own.

Served by threads, so that a process whose event loop is blocked can still say so. Nothing here is for the public: the
gateway's own port does not have it.
"""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from services.kernel.errors import AppError, Kind
from services.kernel.health import Liveness, Readiness

_SILENCE_S = 5.0
Answer = tuple[int, str, bytes]


class OfComponent(Collector):
    """The metrics of a registry with the label `component` on every series."""

    def __init__(self, inner: CollectorRegistry, component: str) -> None:
        """`component` is this process's service."""
        self._inner = inner
        self._component = component

    def collect(self) -> Iterator[Metric]:
        """See the base class; when a series began is left out, it would double the page."""
        for metric in self._inner.collect():
            kept = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            metric.samples = [s._replace(labels={"component": self._component, **s.labels}) for s in kept]
            yield metric


class MetricsPage:
    """Listens from construction until `close`."""

    def __init__(self, address: str, metrics: Collector, liveness: Liveness, readiness: Readiness) -> None:
        """`address` is host:port; port 0 picks a free one. Raises `AppError` metrics.cannot-listen."""
        self._metrics = metrics
        self._liveness = liveness
        self._readiness = readiness
        host, _, port = address.rpartition(":")
        kind = _ServerOverIPv6 if ":" in host else _Server
        try:
            self._server = kind((host.strip("[]"), int(port)), _handler(self))
        except OSError as error:
            raise AppError("metrics.cannot-listen", Kind.PRECONDITION, address=address, why=error.strerror) from error
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def answer(self, path: str) -> Answer:
        """Status, media type and body for a path."""
        match path.partition("?")[0]:
            case "/metrics":
                return 200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._metrics)
            case "/healthz":
                stalled = self._liveness.stalled()
                ages = {name: round(age, 3) for name, age in self._liveness.ages().items()}
                return _json(not stalled, {"alive": not stalled, "stalled": list(stalled), "age_s": ages})
            case "/readyz":
                ready = self._readiness.ready
                return _json(ready, {"ready": ready, "parts": dict(self._readiness.parts)})
        return 404, "text/plain", b"/metrics, /healthz, /readyz\n"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that hangs up is nothing to tell of."""


class _ServerOverIPv6(_Server):
    address_family = socket.AF_INET6


def _json(good: bool, body: object) -> Answer:  # noqa: FBT001 - what it is about
    return 200 if good else 503, "application/json", json.dumps(body).encode()


def _handler(page: MetricsPage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENCE_S
        server_version, sys_version = "shenbao", ""

        def do_GET(self) -> None:
            status, media_type, body = page.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Probes come every few seconds; they are not logged."""

    return Handler
