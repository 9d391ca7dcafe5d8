"""Pages for recipients: rendered from templates that escape, under a strict content policy."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

STYLE = (
    "body{font:17px/1.5 system-ui,sans-serif;max-width:28rem;margin:18vh auto;padding:0 1.5rem;"
    "color:#1c2430;background:#fff}h1{font-size:1.4rem}button{font:inherit;padding:.6rem 1.2rem;"
    "border:0;border-radius:.4rem;background:#1c2430;color:#fff;cursor:pointer}"
)
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


def opt_out_page(state: Literal["ask", "done", "unknown"], status: int) -> HTMLResponse:
    """The opt-out in one of its states; it tells nobody whose it is."""
    text = _templates().get_template("unsubscribe.html").render(state=state, style=STYLE)
    return HTMLResponse(text, status_code=status, headers=HEADERS)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("handlers.web"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )
