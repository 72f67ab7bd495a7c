"""Which processes the stack runs: one per service that answers and relays, workers apart."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.kernel.supervisor import Program

ANSWERING = ("api", "consumer", "relay")


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One process of a service; `roles` is empty for the gateway, which has none."""

    name: str
    service: str
    roles: Sequence[str] = ()


def processes(video_workers: int = 2, pdfcheck_workers: int = 2) -> Sequence[Process]:
    """All of them, in the order in which they are started."""
    counts = {"upload": 1, "video": video_workers, "pdfcheck": pdfcheck_workers, "review": 1}
    found = []
    for service, workers in counts.items():
        found.append(Process(name=service, service=service, roles=ANSWERING))
        names = [f"{service}-worker-{number}" for number in range(1, workers + 1)]
        found += [Process(name=name, service=service, roles=("worker",)) for name in names]
    return [*found, Process(name="gateway", service="gateway")]


def program(process: Process, told: Mapping[str, str]) -> Program:
    """How it is started. `told` is for every process of its service; only what answers has the service's address."""
    environment = dict(told)
    if process.roles:
        environment["SHENBAO_ROLES"] = ",".join(process.roles)
        answers = "api" in process.roles
        environment["SHENBAO_LISTEN"] = told[f"SHENBAO_{process.service.upper()}_ADDRESS"] if answers else "127.0.0.1:0"
    # Several on one machine: none may take all cores with the threads of a numerical library.
    environment.setdefault("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    arguments = (sys.executable, "-m", f"services.{process.service}")
    return Program(name=process.name, arguments=arguments, environment=environment)
