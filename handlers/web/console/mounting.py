"""The routes of the console: its pages, the door before them, its style and script."""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import groupby
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from handlers.access import require_open
from handlers.gatekeeper import Gatekeeper
from handlers.services import Services
from handlers.web.console.door import Door
from handlers.web.console.pages import PAGES
from handlers.web.console.signing import SigningIn
from handlers.web.console.stock import Stock
from handlers.web.stream import Feed

MEDIA: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class _File(NamedTuple):
    body: bytes
    media: str
    tag: str


def console_routes(services: Services, stock: Stock, gatekeeper: Gatekeeper) -> Iterable[Route]:
    """One route a path; raises RouteWithoutPermission when a page is in no table of rights."""
    signing = SigningIn(stock, gatekeeper)
    for method, path in (("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/static/{name}")):
        require_open(method, path)
    yield Route("/sign-in", signing.ask, methods=["GET"], name="/sign-in")
    yield Route("/sign-in", signing.sign_in, methods=["POST"], name="/sign-in")
    yield Route("/static/{name}", static, methods=["GET"], name="/static/{name}")
    feed = Feed(services, stock.reads, gatekeeper)
    yield Route("/v1/stream", feed.serve, methods=["GET"], name="/v1/stream")
    ordered = sorted(PAGES, key=lambda one: ("{" in one.path, one.path))
    for path, group in groupby(ordered, key=lambda one: one.path):
        door = Door(services, stock, list(group))
        place = path.replace("{id}", "{id:uuid}")
        yield Route(place, door.serve, methods=door.methods, name=path)


def static(request: Request) -> Response:
    """One of our own files, again only when it is another one."""
    found = _files().get(request.path_params["name"])
    if found is None:
        return PlainTextResponse("not found", status_code=404)
    headers = {"Cache-Control": "no-cache", "ETag": found.tag}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.media, headers=headers)


@cache
def _files() -> Mapping[str, _File]:
    """All of them: they are few and small."""
    found = {}
    for file in files("handlers.web").joinpath("static").iterdir():
        media = MEDIA.get(file.name[file.name.rfind(".") :])
        if media is not None:
            body = file.read_bytes()
            found[file.name] = _File(body, media, f'"{sha256(body).hexdigest()[:20]}"')
    return found
