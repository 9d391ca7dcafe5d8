"""Signing in and out; a wrong password is counted as a wrong key is."""

from asyncio import Semaphore
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response

from handlers.errors import TooManyWrongKeys
from handlers.gatekeeper import Gatekeeper
from handlers.receiving import address_of
from handlers.web.console.door import form_of, require_own_page, signed_in
from handlers.web.console.rendering import HEADERS, page
from handlers.web.console.sessions import clear_cookie, cookie_name, secret_in, set_cookie
from handlers.web.console.stock import Stock
from handlers.web.console.visits import Visit

AT_ONCE = 2
"""Passwords that a process looks at together: each takes 64 MiB and a good part of a core."""
WRONG = "Name and password do not belong together. Check both and try again."
WAIT = "Too many attempts came from here. Wait a minute and try again."


class SigningIn:
    """The form, and what becomes of it."""

    def __init__(self, stock: Stock, gatekeeper: Gatekeeper) -> None:
        self._stock = stock
        self._gatekeeper = gatekeeper
        self._turns = Semaphore(AT_ONCE)

    async def ask(self, request: Request) -> Response:
        """The form; who is signed in goes on to where they wanted to."""
        to = local_address(request.query_params.get("next", ""))
        if await run_in_threadpool(signed_in, request, self._stock) is not None:
            return RedirectResponse(to, status_code=303, headers=HEADERS)
        return _form(to)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session with a new secret, whatever the browser had before."""
        require_own_page(request)
        form = await form_of(request)
        name, password, to = (form.get(field, ("",))[0] for field in ("name", "password", "next"))
        to, address = local_address(to), address_of(request)
        try:
            self._gatekeeper.require_patience(address)
        except TooManyWrongKeys:
            return _form(to, name, WAIT, 429)
        async with self._turns:
            secret = await run_in_threadpool(self._stock.users.sign_in, name, password)
        if secret is None:
            self._gatekeeper.note_wrong(address)
            return _form(to, name, WRONG, 401)
        await run_in_threadpool(self._end, request)
        answer = RedirectResponse(to, status_code=303, headers=HEADERS)
        set_cookie(answer, secret, secure=self._stock.secure)
        return answer

    def _end(self, request: Request) -> None:
        before = secret_in(request, secure=self._stock.secure)
        if before is not None:
            self._stock.users.sign_out(before)


def sign_out(visit: Visit) -> Response:
    """End the session, here and in the browser."""
    stock = visit.stock
    cookies = cookie_parser(visit.headers.get("cookie", ""))
    stock.users.sign_out(cookies.get(cookie_name(secure=stock.secure), ""))
    answer = RedirectResponse("/sign-in", status_code=303, headers=HEADERS)
    clear_cookie(answer, secure=stock.secure)
    return answer


def local_address(text: str) -> str:
    """The address if it is a page of ours, else the first page: nobody is led elsewhere."""
    parts = urlsplit(text) if text.startswith("/") and text.isprintable() else None
    if parts is None or parts.netloc or parts.scheme or "\\" in text or text.startswith("//"):
        return "/"
    return text


def _form(to: str, name: str = "", wrong: str = "", status: int = 200) -> Response:
    return page("sign_in.html", {"next": to, "name": name, "wrong": wrong}, status)
