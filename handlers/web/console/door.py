"""The door of the console: who is signed in, may they, did their own page ask; then the page."""

from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from domain.errors import CampaignError
from handlers.access import permission_for_page, require
from handlers.errors import (
    MediaNotTaken,
    NotAuthenticated,
    NotPermitted,
    NotUnderstood,
    Problem,
    faults_in,
)
from handlers.errors import Refusal as Refused
from handlers.receiving import media_of, read_within
from handlers.services import Services, TenantServices
from handlers.web.console.rendering import HEADERS, page
from handlers.web.console.sessions import Session, secret_in
from handlers.web.console.stock import Stock
from handlers.web.console.visits import DONE, Method, Moved, Page, Visit

FORM = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 1024 * 1024
FIELDS_MAX = 600
SIGN_IN = "/sign-in"
LIVE = "x-live"
"""The header of what the script of a page asks by itself."""


class Door:
    """All pages of one path."""

    def __init__(self, services: Services, stock: Stock, pages: Sequence[Page]) -> None:
        self._services = services
        self._stock = stock
        self._pages = {one.method: one for one in pages}
        self._permissions = {one.method: permission_for_page(one.method, one.path) for one in pages}

    @property
    def methods(self) -> list[str]:
        """What the path answers to."""
        return sorted(self._pages)

    async def serve(self, request: Request) -> Response:
        """Admit, read, carry out, render; what is refused is raised and told as a page."""
        method: Method = "POST" if request.method == "POST" else "GET"
        request.state.tell = Telling()
        session = await run_in_threadpool(signed_in, request, self._stock)
        if session is None:
            return _to_sign_in(request)
        request.state.tell = Telling(session)
        tenant = await run_in_threadpool(self._admit, session, method)
        form = {} if method == "GET" else await form_of(request)
        if method != "GET":
            require_own_page(request)
            require_token(session, form)
        visit = Visit(
            services=self._services,
            stock=self._stock,
            tenant=tenant,
            session=session,
            request_id=request.state.request_id,
            path=request.path_params,
            query=dict(request.query_params),
            form=form,
            headers=request.headers,
        )
        return await run_in_threadpool(_answer, self._pages[method], visit, request.url.path)

    def _admit(self, session: Session, method: Method) -> TenantServices:
        require(session.holder, self._permissions[method])
        tenant = self._services.tenant(session.tenant)
        if tenant is None:
            raise NotAuthenticated("the tenant of this user is gone")
        return tenant


def signed_in(request: Request, stock: Stock) -> Session | None:
    """Whose session the request carries."""
    secret = secret_in(request, secure=stock.secure)
    by_itself = LIVE in request.headers or request.url.path == "/stream"
    return None if secret is None else stock.users.session(secret, used=not by_itself)


def require_own_page(request: Request) -> None:
    """Raise NotPermitted unless a page of ours made the request: browsers always say so."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    told = [] if site is None else [site == "same-origin"]
    if origin is not None:
        told.append(urlsplit(origin).netloc == request.headers.get("host", ""))
    if not told or not all(told):
        raise NotPermitted("this form was not sent by a page of the console; open it again")


def require_token(session: Session, form: Mapping[str, Sequence[str]]) -> None:
    """Raise NotPermitted unless the form has the token of the session."""
    given = form.get("csrf", ("",))[0]
    if not compare_digest(given.encode(), session.csrf.encode()):
        raise NotPermitted("this form is of an older session; open the page again")


async def form_of(request: Request) -> Mapping[str, Sequence[str]]:
    """The fields of a form; raises where it is none or too long."""
    raw = await read_within(request, FORM_BYTES_MAX)
    if media_of(request) != FORM:
        raise MediaNotTaken(f"send it as {FORM}")
    try:
        found = parse_qs(
            raw.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise NotUnderstood("the form cannot be read") from None
    if any("\0" in text for texts in found.values() for text in texts):
        raise NotUnderstood("the form has a NUL character")
    return found


def _answer(shown_by: Page, visit: Visit, path: str) -> Response:
    answer = shown_by.perform(visit)
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Moved):
        return RedirectResponse(_with_word(answer), status_code=303, headers=HEADERS)
    return page(answer.template, frame(visit, path) | dict(answer.values), answer.status)


def frame(visit: Visit, path: str) -> dict[str, Any]:
    """What is around every page."""
    return {
        "session": visit.session,
        "may": visit.may,
        "path": path,
        "now": visit.now,
        "query": visit.query,
        "done": DONE.get(visit.query.get("done", "")),
        "done_count": _count(visit.query.get("n", "")),
    }


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004  # no number of ours is longer


def _with_word(answer: Moved) -> str:
    said = {"done": answer.done, "n": "" if answer.count is None else str(answer.count)}
    query = urlencode({name: text for name, text in said.items() if text})
    joint = "&" if "?" in answer.to else "?"
    return f"{answer.to}{joint}{query}" if query else answer.to


def _to_sign_in(request: Request) -> Response:
    """To the form, and from there back to what was asked for; a lost form has to be filled anew."""
    asked = request.url.path
    if request.method not in ("GET", "HEAD") or asked == "/stream":
        raise NotAuthenticated("the session is over: sign in again")
    if request.url.query:
        asked += f"?{request.url.query}"
    to = SIGN_IN if asked == "/" else f"{SIGN_IN}?next={quote(asked, safe='')}"
    return RedirectResponse(to, status_code=303, headers=HEADERS)


class Telling:
    """Tells an error as a page."""

    def __init__(self, session: Session | None = None) -> None:
        self._session = session

    def __call__(self, problem: Problem, error: Exception, request_id: UUID) -> Response:
        detail = str(error) if isinstance(error, Refused | CampaignError) else ""
        values = {
            "problem": problem,
            "detail": detail,
            "faults": faults_in(error),
            "request_id": request_id,
            "session": self._session,
        }
        answer = page("error.html", values, problem.status)
        if problem.retry_after_s is not None:
            answer.headers["Retry-After"] = str(problem.retry_after_s)
        return answer
