"""What goes wrong, as clients see it: one JSON form for every error, with a code for programs and a message for people.

Exceptions of the package and of FastAPI come in; ``{"error": {"code", "message", "where"}}`` with a status goes out.
"""

import http
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from textaxa.errors import TextaxaError
from textaxa.server._asgi import HEADERS

TOLD = 10
"""Faults of one request that are told; a request of 1,000 texts could have as many."""


class Problem(BaseModel):
    """What was found, the probable cause, and what to do."""

    code: str = Field(description="For programs; it stays the same.", examples=["too_many_texts"])
    message: str = Field(
        description="For people: what was found, the probable cause, what to do.",
        examples=["The request has 2,000 texts, but 1,000 are allowed. Send them in several requests."],
    )
    where: list[str] | None = Field(default=None, description="The fields at fault.", examples=[["texts.3"]])


class ProblemAnswer(BaseModel):
    """The body of every answer with a status of 400 or more."""

    error: Problem


class Refused(TextaxaError):  # noqa: N818 -- what it says, not what it is
    """A request that is not answered.

    >>> Refused(404, "unknown_node", "There is no node 99.").status
    404
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        where: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.where, self.headers = status, code, where, dict(headers or {})


def problem(
    status: int, code: str, message: str, *, where: Sequence[str] | None = None, **headers: str
) -> JSONResponse:
    """Give the answer that tells of an error."""
    told: dict[str, Any] = {"code": code, "message": message}
    if where:
        told["where"] = list(where)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": told}, status_code=status, headers=named)


_CAUSES = {
    400: ("bad_request", "The body is no JSON, or is not UTF-8."),
    401: ("key_missing_or_wrong", "The API key is missing or wrong."),
    403: ("forbidden", "The admin token is missing or wrong."),
    404: ("not_found", "There is no such model, node or route."),
    408: ("too_slow", "The request did not come in time."),
    409: ("conflict", "Something has changed in the meantime."),
    413: ("too_large", "The body, the number of texts or a text is larger than is allowed."),
    415: ("unsupported_body", "The body is not plain JSON: another type, or compressed."),
    422: ("not_usable", "A field has a value that cannot be used; `where` names it."),
    429: ("too_busy", "The queue is full. `Retry-After` says after how many seconds to try again."),
    501: ("missing_extra", "A part of textaxa that this needs is not installed where the service runs."),
    503: ("not_available", "No answer in time, or the service is ending."),
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Give what the OpenAPI document says of these statuses, for ``responses=`` of a route."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    code, description = _CAUSES[status]
    example = {"error": {"code": code, "message": description}}
    return {
        "model": ProblemAnswer,
        "description": description,
        "content": {"application/json": {"example": example}},
    }


def tell_problems(app: FastAPI) -> None:
    """Let an app answer every exception in the one form."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(TextaxaError, _own)
    app.add_exception_handler(Exception, _unexpected)


async def _own(request: Request, error: Exception) -> JSONResponse:
    """Answer an error of the package: its own status where it has one, 422 for a value that cannot be used."""
    del request
    status = int(getattr(error, "status", 422))
    code = str(getattr(error, "code", _code_of(status)))
    headers = dict(getattr(error, "headers", {}))
    if (seconds := getattr(error, "retry_after", None)) is not None:
        headers["Retry-After"] = str(max(1, round(seconds)))
    return problem(status, code, str(error), where=getattr(error, "where", None), **headers)


async def _plain(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses: no such route, no such method."""
    status = getattr(error, "status_code", 500)
    headers = dict(getattr(error, "headers", None) or {})
    message = str(getattr(error, "detail", ""))
    if status == 404:
        message = f"There is no {request.url.path!r} here. /openapi.json lists what there is."
    if status == 405:
        headers["Allow"] = _methods(request) or headers.get("Allow", "")
        message = f"{request.url.path!r} does not take {request.method}; it takes {headers.get('Allow', 'others')}."
    return problem(status, _code_of(status), message, **headers)


def _methods(request: Request) -> str:
    """Give the methods that a path takes; the framework tells those of the first route with that path alone."""
    path = getattr(request.scope.get("route"), "path", None)
    return ", ".join(sorted(method.upper() for method in request.app.openapi()["paths"].get(path, ())))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a body or parameter of the wrong form. Values are left out: they may be texts."""
    del request
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem(400, "bad_request", "The body is no JSON. Send a JSON object in UTF-8.")
    where = [".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]) for fault in faults]
    told = "; ".join(f"{name}: {fault['msg']}" for name, fault in list(zip(where, faults, strict=True))[:TOLD])
    more = f" (and {len(faults) - TOLD:,} more)" if len(faults) > TOLD else ""
    return problem(422, "not_usable", f"{told}{more}. /openapi.json says what fits.", where=where[:TOLD])


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Answer a fault of ours without telling its insides; the log has them under the request's id.

    The framework answers such faults outside of every other check, so the headers of those are added here.
    """
    del error
    request_id = str(request.scope.get("state", {}).get("request_id", ""))
    message = f"Something went wrong inside the service; its log says what, beside the id {request_id}."
    answer = problem(500, "internal_error", message)
    answer.raw_headers.extend([*HEADERS, (b"x-request-id", request_id.encode())])
    return answer


def _code_of(status: int) -> str:
    if status in _CAUSES:
        return _CAUSES[status][0]
    return http.HTTPStatus(status).phrase.lower().replace(" ", "_")
