"""The OpenAPI document: every answer with its schema and an example, every refusal as a problem."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.schemas.common import Problem

API = "/api/"
MEDIA_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
_REF = "#/components/schemas/"
_PROBLEM = "What went wrong and what to do (RFC 9457); every code is explained in docs/errors.md"
Schema = Mapping[str, Any]


def example_of(schema: Schema, components: Mapping[str, Schema], place: str = "") -> Any:
    """A whole value of a JSON schema, put together from the examples of its fields.

    Raises `ValueError` for a field without one; `place` is how the message calls the value.
    """
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return example_of(components[name], components, name)
    if "anyOf" in schema:
        return example_of(next(each for each in schema["anyOf"] if each.get("type") != "null"), components, place)
    if schema.get("type") == "array":
        return [example_of(schema["items"], components, place)]
    if "properties" in schema:
        fields = schema["properties"].items()
        return {name: example_of(field, components, f"{place}.{name}") for name, field in fields}
    raise ValueError(f"{place} has no example")


class DescribedApp(FastAPI):
    """FastAPI with examples and problems in its document, which is made once."""

    def openapi(self) -> dict[str, Any]:
        """The document."""
        if self.openapi_schema is None:
            document = get_openapi(title=self.title, version=self.version, summary=self.summary, routes=self.routes)
            components = document.setdefault("components", {}).setdefault("schemas", {})
            components["Problem"] = Problem.model_json_schema()
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    if path.startswith(API):
                        _complete(operation["responses"], components)
            self.openapi_schema = document
        return self.openapi_schema


def _complete(responses: dict[str, Any], components: Mapping[str, Schema]) -> None:
    responses.pop("422", None)  # a malformed request is a problem with status 400 here
    for response in responses.values():
        for media_type, content in response.get("content", {}).items():
            if media_type == "application/json":
                content["example"] = example_of(content["schema"], components)
    problem = {"schema": {"$ref": _REF + "Problem"}, "example": example_of(components["Problem"], components)}
    for status in ("4XX", "5XX"):
        responses[status] = {"description": _PROBLEM, "content": {PROBLEM_TYPE: problem}}
