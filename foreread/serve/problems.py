"""What goes wrong, as problem details (RFC 9457) with the engine's codes and the server's own."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from engine.errors import ForereadError
from foreread import wire

MEDIA = "application/problem+json"
GONE = 499  # for the log alone: nobody is there to be told
AGAIN = {"index-busy": 2, "not-ready": 1}  # seconds after which it may go

_STATUS = {
    "source-unusable": 422,
    "question-unusable": 422,
    "filter-unusable": 422,
    "document-not-found": 404,
    "index-use": 409,
    "index-exists": 409,
    "failed": 500,
    "configuration-unusable": 500,
    "device-unavailable": 500,
    "training-failed": 500,
    "disk-full": 507,
}
"""Of the engine's codes; all others are of an index that can't be used now."""

_OF_STATUS = {
    404: ("not-found", "there is nothing at this address; /openapi.json tells what there is"),
    405: ("method-not-allowed", "this address takes other methods, which Allow names"),
}


class RefusedError(ForereadError):
    """A request that the server doesn't take: its status, its code, and headers."""

    def __init__(
        self, status: int, code: str, told: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(told)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def refusal_of(error: Exception) -> RefusedError:
    """What a request is answered with after an error; what nobody expected isn't told."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, HTTPException):
        code, told = _OF_STATUS.get(error.status_code, ("request-unusable", error.detail))
        return RefusedError(error.status_code, code, told, error.headers)
    if isinstance(error, ForereadError):
        after = AGAIN.get(error.code)
        headers = {"Retry-After": str(after)} if after else {}
        return RefusedError(_STATUS.get(error.code, 503), error.code, str(error), headers)
    return RefusedError(500, "failed", "the server failed; its log has this request's id")


def problem_of(error: Exception, request_id: str) -> wire.Problem:
    refusal = refusal_of(error)
    return wire.Problem(
        type=f"urn:foreread:problem:{refusal.code}",
        title=_title(refusal.status),
        status=refusal.status,
        detail=str(refusal),
        code=refusal.code,
        request_id=request_id,
    )


def problem_response(error: Exception, request_id: str) -> Response:
    problem = problem_of(error, request_id)
    return Response(
        msgspec.json.encode(problem),
        problem.status,
        headers=refusal_of(error).headers,
        media_type=MEDIA,
    )


def _title(status: int) -> str:
    return "Client Closed Request" if status == GONE else HTTPStatus(status).phrase
