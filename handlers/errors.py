"""What went wrong, as an answer: one table from error class to status and code (RFC 9457)."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from uuid import UUID

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from domain.accounts import AccountUnknown, ReasonRequired, SettingRefused
from domain.errors import CampaignError, MessageUnknownHere
from handlers.ports import Conflict, InvalidSignature
from handlers.webhooks.words import EncodedBody

PROBLEM_JSON = "application/problem+json"
_INDEXED = re.compile(r"\[(\d+)\]")
"""Where a field is in a list: `warmup[2]`, in a pointer `warmup/2`."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request: where, of what kind, in words."""

    pointer: str
    code: str
    detail: str


class Refusal(Exception):
    """A request that is not carried out; the words are for the caller and have no secrets."""

    def __init__(self, detail: str = "", errors: Iterable[Fault] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class NotUnderstood(Refusal):
    """The request is not in the form that the route takes."""


class NotAuthenticated(Refusal):
    """There is no key, or not a good one."""


class NotPermitted(Refusal):
    """The role of the key does not include this."""


class OriginNotTaken(Refusal):
    """A page of another origin asks, by a browser that may hold more than it should."""


class Misdirected(Refusal):
    """The request is for a name that this server does not have."""


class NotHere(Refusal):
    """The tenant has no such thing."""


class NotAcceptable(Refusal):
    """The request was understood, and something in it cannot be."""


class BodyTooLarge(Refusal):
    """The body is longer than the route takes."""


class MediaNotTaken(Refusal):
    """The body is of another kind than the route takes."""


class OutOfStep(Refusal):
    """The thing is not in the state that the order is for."""


class KeyReused(Refusal):
    """The idempotency key was given before with another request."""


class StillRunning(Refusal):
    """The first request with this idempotency key is not answered yet."""


class NotStored(Refusal):
    """What came could not be stored now; it must come again."""


class TooManyWrongKeys(Refusal):
    """Too many wrong keys came from this address."""


class TooManyPosts(Refusal):
    """More posts came in a minute than the tenant's endpoint takes."""


class TooManyCalls(Refusal):
    """The key has called more often than its limit; after so many seconds it may again."""

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TooManyCopies(Refusal):
    """The tenant has taken as many copies of contacts as a day allows."""


class Problem(msgspec.Struct, frozen=True):
    """How a class of errors is answered."""

    status: HTTPStatus
    code: str
    retry_after_s: int | None = None
    challenge: str = ""
    """What a 401 asks for: RFC 9110 15.5.2 wants it said, and a wrong word would mislead."""


UNFORESEEN = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")

PROBLEMS: Mapping[type[Exception], Problem] = {
    NotUnderstood: Problem(HTTPStatus.BAD_REQUEST, "not_understood"),
    NotAuthenticated: Problem(HTTPStatus.UNAUTHORIZED, "not_authenticated", challenge="Bearer"),
    NotPermitted: Problem(HTTPStatus.FORBIDDEN, "not_permitted"),
    OriginNotTaken: Problem(HTTPStatus.FORBIDDEN, "origin_not_taken"),
    Misdirected: Problem(HTTPStatus.MISDIRECTED_REQUEST, "misdirected"),
    NotHere: Problem(HTTPStatus.NOT_FOUND, "not_found"),
    NotAcceptable: Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "not_acceptable"),
    BodyTooLarge: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large"),
    MediaNotTaken: Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_not_taken"),
    OutOfStep: Problem(HTTPStatus.CONFLICT, "out_of_step"),
    KeyReused: Problem(HTTPStatus.CONFLICT, "idempotency_key_reused"),
    StillRunning: Problem(HTTPStatus.CONFLICT, "idempotency_key_in_use", retry_after_s=1),
    TooManyWrongKeys: Problem(
        HTTPStatus.TOO_MANY_REQUESTS, "too_many_wrong_keys", retry_after_s=60
    ),
    TooManyPosts: Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_posts", retry_after_s=10),
    TooManyCalls: Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_calls", retry_after_s=1),
    TooManyCopies: Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_copies", retry_after_s=3600),
    NotStored: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_stored", retry_after_s=30),
    InvalidSignature: Problem(
        HTTPStatus.UNAUTHORIZED, "invalid_signature", challenge='Signature realm="webhook"'
    ),
    EncodedBody: Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "encoded_body"),
    MessageUnknownHere: Problem(HTTPStatus.NOT_FOUND, MessageUnknownHere.code),
    AccountUnknown: Problem(HTTPStatus.NOT_FOUND, AccountUnknown.code),
    SettingRefused: Problem(HTTPStatus.UNPROCESSABLE_ENTITY, SettingRefused.code),
    ReasonRequired: Problem(HTTPStatus.UNPROCESSABLE_ENTITY, ReasonRequired.code),
    CampaignError: Problem(HTTPStatus.CONFLICT, CampaignError.code),
    Conflict: Problem(HTTPStatus.CONFLICT, "conflict", retry_after_s=1),
    ClientDisconnect: Problem(HTTPStatus.BAD_REQUEST, "disconnected"),
}
"""A class that is not here is answered as its nearest ancestor that is."""


_ROUTING: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "nothing is at this address; /openapi.json lists what is",
    HTTPStatus.METHOD_NOT_ALLOWED: "not with this method; /openapi.json says with which",
}


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every answer that is an error."""

    type: str
    title: str
    status: int
    code: str
    instance: str
    detail: str = ""
    errors: tuple[Fault, ...] = ()


def problem_of(error: Exception, also: Mapping[type[Exception], Problem]) -> Problem:
    """How this error is answered; `also` has the errors of the stores behind the ports."""
    for cls in type(error).__mro__:
        found = PROBLEMS.get(cls) or also.get(cls)
        if found is not None:
            return found
    return UNFORESEEN


def answer(problem: Problem, error: Exception, request_id: UUID) -> Response:
    """The problem document as an answer over HTTP."""
    return Response(
        msgspec.json.encode(document(problem, error, request_id)),
        status_code=problem.status,
        headers=_headers(problem, error),
        media_type=PROBLEM_JSON,
    )


def document(problem: Problem, error: Exception, request_id: UUID) -> ProblemDocument:
    """The problem document; only texts of our own refusals go out."""
    return ProblemDocument(
        type=f"urn:antiphon:problem:{_code(problem, error)}",
        title=problem.status.phrase,
        status=problem.status,
        code=_code(problem, error),
        instance=request_id.urn,
        detail=_detail(error),
        errors=faults_in(error),
    )


def of_routing(error: HTTPException) -> Problem:
    """How the router's own refusals are answered: no such path, no such method."""
    status = HTTPStatus(error.status_code)
    return Problem(status, status.phrase.lower().replace(" ", "_"))


def faults_in(error: Exception) -> tuple[Fault, ...]:
    """What is wrong with the request, each fault with its place, where the error knows them."""
    match error:
        case Refusal(errors=errors):
            return errors
        case SettingRefused(field=field, code=code):
            pointer = "/" + _INDEXED.sub(r"/\1", field)
            return (Fault(pointer, code, str(error)),)
        case ReasonRequired(code=code):
            return (Fault("/reason", code, str(error)),)
        case _:
            return ()


def _detail(error: Exception) -> str:
    if isinstance(error, HTTPException):
        return _ROUTING.get(error.status_code, "")
    return str(error) if isinstance(error, Refusal | CampaignError) else ""


def _code(problem: Problem, error: Exception) -> str:
    return error.code if isinstance(error, CampaignError) else problem.code


def _headers(problem: Problem, error: Exception) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    wait = error.retry_after_s if isinstance(error, TooManyCalls) else problem.retry_after_s
    if wait is not None:
        headers["Retry-After"] = str(wait)
    if problem.challenge:
        headers["WWW-Authenticate"] = problem.challenge
    return headers
