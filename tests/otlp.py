"""A collector of spans: a real OTLP server on loopback that keeps what it is sent."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class Told:
    """A span and the service that sent it."""

    service: str
    span: Span

    @property
    def trace_id(self) -> str:
        """As logs write it."""
        return self.span.trace_id.hex()

    @property
    def attributes(self) -> dict[str, str]:
        """Every value as text."""
        return {a.key: a.value.string_value or str(a.value.int_value) for a in self.span.attributes}


@dataclass(slots=True)
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """What has arrived so far."""

    address: str = ""
    requests: list[pb.ExportTraceServiceRequest] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def Export(  # noqa: N802 - the contract's name
        self, request: pb.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> pb.ExportTraceServiceResponse:
        """Keep it."""
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        return pb.ExportTraceServiceResponse()

    @property
    def spans(self) -> list[Told]:
        """All of them, in the order of their arrival."""
        return [
            Told(next(a.value.string_value for a in part.resource.attributes if a.key == "service.name"), span)
            for request in list(self.requests)
            for part in request.resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]

    def wait(self, wanted: Callable[[list[Told]], bool], *, deadline_s: float = 30) -> list[Told]:
        """The spans, once they are as wanted. Fails after `deadline_s` with the names that are there."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: wanted(self.spans), deadline_s):
                raise AssertionError(sorted({f"{told.service}: {told.span.name}" for told in self.spans}))
            return self.spans


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens while the block runs."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4, thread_name_prefix="otlp"))
    collector = Collector()
    register: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server  # generated without types
    register(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    collector.address = f"http://127.0.0.1:{port}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(0).wait()
