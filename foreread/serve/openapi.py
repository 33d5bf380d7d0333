"""The OpenAPI document, from the table of operations and the types of the wire."""

from typing import Any

import msgspec
from msgspec import Struct

from foreread import __version__, wire
from foreread.serve.operations import JSON, OPERATIONS, Operation
from foreread.serve.problems import MEDIA

REFUSALS = (400, 401, 403, 404, 408, 409, 413, 415, 421, 422, 429, 500, 503, 507)
_REFERENCE = "#/components/schemas/{name}"


def document(*, with_keys: bool) -> dict[str, Any]:
    """OpenAPI 3.1 of all operations; `with_keys` says that they need one."""
    types: set[type[Struct]] = {wire.Problem, *(one.takes for one in OPERATIONS if one.takes)}
    types |= {kind for one in OPERATIONS for kind in one.gives}
    ordered = sorted(types, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    components: dict[str, Any] = {
        "schemas": schemas,
        "responses": {
            "Problem": {
                "description": "What keeps the request from being answered.",
                "content": {MEDIA: {"schema": _reference(wire.Problem)}},
            }
        },
    }
    told: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Foreread",
            "version": __version__,
            "description": "Questions answered with exact spans of your own documents.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": components,
    }
    if with_keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        told["security"] = [{"key": []}]
    return told


def _paths() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return paths


def _operation(one: Operation) -> dict[str, Any]:
    problem = {"$ref": "#/components/responses/Problem"}
    answer = {"description": one.told, "content": {one.media: {"schema": _answer(one)}}}
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.told,
        "responses": {
            **{str(status): problem for status in REFUSALS},
            **{str(status): answer for status in (200, *one.also)},
        },
    }
    if parameters := _parameters(one):
        told["parameters"] = parameters
    if one.takes:
        body = {"required": True, "content": {JSON: {"schema": _reference(one.takes)}}}
        told["requestBody"] = body
    return told


def _answer(one: Operation) -> dict[str, Any]:
    if not one.gives:
        return {"type": "string"}
    each = [_reference(kind) for kind in one.gives]
    return each[0] if len(each) == 1 else {"oneOf": each}


def _parameters(one: Operation) -> list[dict[str, Any]]:
    _, made = msgspec.json.schema_components([one.query], ref_template=_REFERENCE)
    properties = made[one.query.__name__].get("properties", {})
    found = [{"name": name, "in": "query", "schema": of} for name, of in properties.items()]
    if "{id}" in one.path:
        schema = {"type": "string", "minLength": 1, "maxLength": 200}
        found.append({"name": "id", "in": "path", "required": True, "schema": schema})
    return found


def _reference(kind: type[Struct]) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}
