"""The VideoService over gRPC."""

from services.video.grpc_api.calls import Ports
from services.video.grpc_api.servicer import servicer

__all__ = ["Ports", "servicer"]
