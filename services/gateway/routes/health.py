"""Whether this process lives, and whether the platform is ready."""

import asyncio

import grpc
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.gateway.guard import AppGateway
from services.kernel.db.migrate import await_revision
from services.kernel.errors import AppError

router = APIRouter(tags=["health"])
_DEADLINE_S = 2.0


@router.get("/healthz", summary="This process lives")
async def healthz() -> Response:
    """Always 200 while the event loop runs."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz", summary="Every service is ready")
async def readyz(gateway: AppGateway) -> Response:
    """200 only when every service says SERVING and the gateway's own database answers."""
    names = list(gateway.peers.channels)
    found = await asyncio.gather(*(_serving(gateway.peers.channels[name]) for name in names))
    states = dict(zip(names, found, strict=True))
    states["gateway"] = await _database(gateway)
    ready = all(state == "ready" for state in states.values())
    return JSONResponse({"ready": ready, "services": states}, status_code=200 if ready else 503)


async def _serving(channel: grpc.aio.Channel) -> str:
    try:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=_DEADLINE_S)
    except grpc.aio.AioRpcError as error:
        return str(error.code().name).lower()
    return "ready" if answer.status == health_pb2.HealthCheckResponse.SERVING else "not-serving"


async def _database(gateway: AppGateway) -> str:
    try:
        await await_revision(gateway.repository.database, deadline_s=0.5)
    except AppError as error:
        return error.code
    return "ready"
