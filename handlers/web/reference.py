"""The document of the API as a page: one section a subject, examples to copy; it runs no script."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from itertools import groupby
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from handlers.api.openapi import openapi_document

STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;"
    "margin:2rem auto;padding:0 1rem}h1{font-size:1.6rem}h2{margin-top:2.5rem;font-size:1.2rem}"
    "summary{cursor:pointer;padding:.35rem 0}summary code{font-weight:600}"
    "details details{margin-left:1rem}pre{overflow:auto;padding:.8rem;border-radius:.4rem;"
    "border:1px solid #8886}table{border-collapse:collapse}td,th{text-align:left;"
    "padding:.2rem .8rem .2rem 0;vertical-align:top}nav a{margin-right:.9rem}.verb{display:"
    "inline-block;min-width:4.5rem}.muted{opacity:.75}"
)
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "  # noqa: E501  # one value
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}


def reference_page(_: Request) -> HTMLResponse:
    """The page; it is the same for everybody and tells nothing of a tenant."""
    return HTMLResponse(_page(), headers=HEADERS)


@cache
def _page() -> str:
    document = openapi_document()
    environment = Environment(
        loader=PackageLoader("handlers.web"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("reference.html").render(
        style=STYLE,
        subjects=[(name, list(calls)) for name, calls in groupby(_calls(document), _subject)],
        schemas={name: _told(one) for name, one in document["components"]["schemas"].items()},
    )


def _calls(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every call with what the page shows of it, those of one subject together."""
    paths = sorted(document["paths"], key=lambda path: (not path.startswith("/v1/"), path))
    for path in paths:
        for method, one in document["paths"][path].items():
            yield {
                "method": method.upper(),
                "path": path,
                "does": one["summary"],
                "roles": ", ".join(one.get("x-roles", ())) or "no key",
                "parameters": one.get("parameters", ()),
                "statuses": ", ".join(one["responses"]),
                "takes": _schema(one.get("requestBody", {}).get("content", {})),
                "gives": _schema(_good(one["responses"]).get("content", {})),
                "example": _example(method.upper(), path, one),
            }


def _subject(call: Mapping[str, Any]) -> str:
    parts = str(call["path"]).split("/")
    return parts[2] if parts[1] == "v1" else "without a key"


def _good(responses: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = responses[min(responses)]
    return found


def _schema(content: Mapping[str, Any]) -> str:
    for media in content.values():
        return str(media.get("schema", {}).get("$ref", "")).rpartition("/")[2]
    return ""


def _example(method: str, path: str, one: Mapping[str, Any]) -> str:
    """The call as a command; the key stands in the environment."""
    if "x-roles" not in one:
        return ""
    lines = [f'curl -X {method} "$ANTIPHON{path}"', '-H "Authorization: Bearer $KEY"']
    for media, given in one.get("requestBody", {}).get("content", {}).items():
        body = given["example"]
        text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
        quoted = text.replace("'", "'\\''")
        lines += [f'-H "Content-Type: {media}"', f"--data-binary '{quoted}'"]
    return " \\\n  ".join(lines)


def _told(schema: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()
