"""The OpenAPI document: no route without its answer, no answer without an example, no field that is not sent."""

from typing import Any

import pytest
from fastapi.routing import APIRoute
from google.protobuf.message import Message
from pydantic import BaseModel, TypeAdapter

from services.gateway.plain import plain
from services.gateway.schemas import common, dossiers, files, operation
from services.gateway.schemas.openapi import DescribedApp, example_of
from services.gen.common.v1 import common_pb2
from services.gen.operation.v1 import operation_pb2
from services.gen.pdfcheck.v1 import pdfcheck_pb2
from services.gen.review.v1 import review_pb2
from services.gen.upload.v1 import upload_pb2
from services.gen.video.v1 import video_pb2
from tests.e2e.conformance import ROUTERS, method_of, routes


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = DescribedApp(title="t", version="1")
    for router in ROUTERS:
        app.include_router(router)
    return app.openapi()


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{method_of(route)} {route.path}")
def test_every_route_declares_what_it_answers(route: APIRoute, document: dict[str, Any]) -> None:
    operation_ = document["paths"][route.path][method_of(route).lower()]
    assert "422" not in operation_["responses"], "a malformed request is answered with 400 and a problem"
    for status in ("4XX", "5XX"):
        assert operation_["responses"][status]["content"]["application/problem+json"]["schema"] == {
            "$ref": "#/components/schemas/Problem"
        }
    if route.status_code == 204:
        assert route.response_model is None
        return
    answered = operation_["responses"][str(route.status_code or 200)]["content"]
    if route.response_model is None:  # a picture, a document, or news of them
        [(media_type, content)] = answered.items()
        assert media_type in ("image/jpeg", "application/pdf", "text/event-stream")
        text = {} if media_type == "text/event-stream" else {"format": "binary"}
        assert content["schema"] == {"type": "string", **text}
        return
    content = answered["application/json"]
    assert content["schema"]
    TypeAdapter(route.response_model).validate_python(content["example"], strict=True)


def test_the_document_has_the_problem(document: dict[str, Any]) -> None:
    assert set(document["components"]["schemas"]["Problem"]["required"]) >= {"code", "detail", "fix", "request_id"}


@pytest.mark.parametrize("route", [r for r in routes() if r.body_field is not None], ids=lambda route: route.path)
def test_every_body_is_documented(route: APIRoute) -> None:
    assert route.body_field is not None
    model = route.body_field.field_info.annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    assert model.__doc__


#: Answer → the message that it is made from, and what the route takes away from or adds to its fields.
SOURCES: list[tuple[type[BaseModel], type[Message], set[str], set[str]]] = [
    (common.Presigned, common_pb2.PresignedRequest, set(), set()),
    (dossiers.MaterialFile, review_pb2.MaterialFile, set(), set()),
    (dossiers.OpeningField, review_pb2.OpeningField, set(), set()),
    (files.Opening, video_pb2.Opening, set(), set()),
    (files.Look, video_pb2.Look, set(), set()),
    (files.LookSample, video_pb2.LookSample, set(), set()),
    (files.OpeningShot, video_pb2.OpeningShot, set(), set()),
    (files.OpeningLine, video_pb2.OpeningLine, set(), set()),
    (dossiers.MaterialMerged, review_pb2.MergedFile, set(), set()),
    (dossiers.MaterialDisc, review_pb2.DiscImage, set(), set()),
    (dossiers.Confirmation, review_pb2.Confirmation, set(), set()),
    (dossiers.Defect, review_pb2.Defect, set(), set()),
    (dossiers.Material, review_pb2.Material, set(), set()),
    (dossiers.Decision, review_pb2.Decision, set(), set()),
    (dossiers.Dossier, review_pb2.Dossier, set(), set()),
    (dossiers.Change, review_pb2.WatchResponse, set(), set()),
    (dossiers.Twin, review_pb2.Twin, set(), set()),
    (dossiers.Twins, review_pb2.ListTwinsResponse, set(), set()),
    (files.StoredPart, upload_pb2.StoredPart, set(), set()),
    (files.Upload, upload_pb2.Upload, set(), {"parts"}),
    (files.PresignedPart, upload_pb2.PresignedPart, set(), set()),
    (files.File, upload_pb2.File, {"object_key", "etag", "organisation_path"}, set()),
    (files.DocumentFacts, pdfcheck_pb2.DocumentFacts, set(), set()),
    (files.DocumentReport, pdfcheck_pb2.DocumentReport, set(), {"kind"}),
    (files.VideoFacts, video_pb2.VideoFacts, set(), set()),
    (files.ParsedName, video_pb2.ParsedName, set(), set()),
    (files.VideoReport, video_pb2.VideoReport, set(), {"kind"}),
    (files.Bookmark, pdfcheck_pb2.Bookmark, set(), set()),
    (files.PageOrigin, pdfcheck_pb2.PageOrigin, set(), set()),
    (files.Merged, pdfcheck_pb2.MergedMaterial, {"object_key"}, {"download"}),
    (files.Disc, video_pb2.Disc, {"object_key"}, {"download"}),
    (operation.Office, review_pb2.RoleAssignment, set(), set()),
    (operation.Organisation, review_pb2.Organisation, set(), set()),
    (operation.Job, common_pb2.Job, set(), set()),
    (operation.Jobs, operation_pb2.ListJobsResponse, set(), set()),
    (operation.JobAnswer, operation_pb2.GetJobResponse, set(), set()),
    (operation.JobAnswer, operation_pb2.RetryJobResponse, set(), set()),
    (operation.JobAnswer, operation_pb2.CancelJobResponse, set(), set()),
    (operation.GroupLag, operation_pb2.GroupLag, set(), set()),
    (operation.Lags, operation_pb2.ListLagResponse, set(), set()),
    (operation.DeadLetter, operation_pb2.DeadLetter, set(), set()),
    (operation.DeadLetters, operation_pb2.ListDeadLettersResponse, set(), set()),
    (operation.DeadLetterAnswer, operation_pb2.GetDeadLetterResponse, set(), set()),
    (operation.AuditEntry, review_pb2.AuditEntry, set(), set()),
    (operation.AuditBreak, review_pb2.AuditBreak, set(), set()),
    (operation.Verification, review_pb2.VerifyAuditResponse, set(), set()),
]


@pytest.mark.parametrize(
    ("model", "message", "without", "added"), SOURCES, ids=[f"{m.__name__}-{s.__name__}" for m, s, _, _ in SOURCES]
)
def test_an_answer_has_the_fields_of_its_message(
    model: type[BaseModel], message: type[Message], without: set[str], added: set[str]
) -> None:
    assert set(model.model_fields) == (set(plain(message(), "zh")) - without) | added


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "examples": ["a", "b"]}, "a"),
        ({"type": "array", "items": {"examples": [1]}}, [1]),
        ({"type": "array", "items": {"type": "string"}, "examples": [[]]}, []),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Named"}]}, {"name": "x"}),
        ({"$ref": "#/components/schemas/Named"}, {"name": "x"}),
    ],
)
def test_an_example_is_put_together_from_its_fields(schema: dict[str, Any], expected: object) -> None:
    named = {"properties": {"name": {"type": "string", "examples": ["x"]}}}
    assert example_of(schema, {"Named": named}) == expected


def test_a_field_without_an_example_is_found() -> None:
    bare = {"properties": {"number": {"type": "integer"}}}
    with pytest.raises(ValueError, match=r"Bare\.number has no example"):
        example_of({"$ref": "#/components/schemas/Bare"}, {"Bare": bare})
