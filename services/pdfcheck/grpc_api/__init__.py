"""The PdfcheckService over gRPC."""

from services.pdfcheck.grpc_api.previews import Previews
from services.pdfcheck.grpc_api.servicer import servicer

__all__ = ["Previews", "servicer"]
