"""The ReviewService over gRPC."""

from services.review.grpc_api.servicer import servicer

__all__ = ["servicer"]
