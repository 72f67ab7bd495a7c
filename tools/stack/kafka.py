"""Apache Kafka as one KRaft node (broker and controller), from the jars that `make servers` fetched."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from services.kernel import lifeline

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 30.0
_POLL_S = 0.05
_HEAP = ("-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOG4J = """\
status = error
appender.file.type = Console
appender.file.name = console
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.file.ref = console
"""


class KafkaFailed(Exception):
    """The broker cannot run; the message says what was found and what to do."""


@dataclass(kw_only=True)
class Broker:
    """One node with its data below `folder`; a context manager. It ends with the process that started it."""

    folder: Path
    port: int
    controller_port: int
    #: Folder of jars, `bin/kafka` of the cache.
    jars: Path
    #: Further lines of `server.properties`.
    properties: Mapping[str, str] = field(default_factory=dict)
    #: Further arguments of the first formatting, such as `--add-scram`.
    formatting: tuple[str, ...] = ()
    _process: "subprocess.Popen[bytes] | None" = None
    _lifeline: int = -1

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that runs, or leads to, the broker."""
        if self._process is None:
            raise KafkaFailed("the broker does not run")
        return self._process.pid

    def start(self) -> None:
        """Format the storage once, start, and return when clients are taken. Raises `KafkaFailed`."""
        if shutil.which("java") is None:
            raise KafkaFailed("no 'java' found; install a Java runtime, 17 or later (Debian: openjdk-17-jre-headless)")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j2.properties").write_text(_LOG4J)
        configuration = self.folder / "server.properties"
        configuration.write_text("".join(f"{name}={value}\n" for name, value in self._configuration().items()))
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(configuration)
        self._launch(configuration)
        self._await_ready()

    def _configuration(self) -> Mapping[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "log.cleaner.dedupe.buffer.size": str(2 * 2**20),
            **self.properties,
        }

    def _java(self, *arguments: str) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        return ["java", *_HEAP, log4j, "-cp", f"{self.jars}/*", *arguments]

    def _format(self, configuration: Path) -> None:
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = self._java(
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            f"--cluster-id={cluster_id}",
            "-c",
            str(configuration),
            *self.formatting,
        )
        said = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if said.returncode:
            raise KafkaFailed(f"formatting failed: {(said.stdout + said.stderr).decode(errors='replace')[-500:]}")

    def _launch(self, configuration: Path) -> None:
        reading, self._lifeline = os.pipe()
        wrapped = [
            sys.executable, "-I", "-S", lifeline.__file__, str(reading), str(int(signal.SIGKILL)), "--",
            *self._java("kafka.Kafka", str(configuration)),
        ]  # fmt: skip
        try:
            with (self.folder / "kafka.log").open("ab") as output:
                self._process = subprocess.Popen(
                    wrapped, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=(reading,),
                    start_new_session=True,
                )  # fmt: skip
        finally:
            os.close(reading)

    def _await_ready(self) -> None:
        """Wait for every listener: they are opened one after the other."""
        waiting = [int(listener.rpartition(":")[2]) for listener in self._configuration()["listeners"].split(",")]
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", waiting[0]), 1):
                waiting.pop(0)
                if not waiting:
                    return
                continue
            time.sleep(_POLL_S)
        tail = (self.folder / "kafka.log").read_text(errors="replace").strip().splitlines()[-5:]
        self.stop()
        raise KafkaFailed(f"the broker did not start; the end of its log: {' | '.join(tail)}")

    def stop(self, *, kill: bool = False) -> None:
        """End it: cleanly, or at once as a crash would."""
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            os.close(self._lifeline)  # the wrapper kills the broker when its lifeline ends
            process.wait()
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            os.close(self._lifeline)
            process.wait()
            return
        os.close(self._lifeline)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()
