"""The open pixel, tracked links and the opt-out: they record, and only a POST changes anything."""

import logging
from base64 import b64decode
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from domain.ids import ContactId
from domain.recorded import Cause
from domain.taxonomy import CauseKind, Family
from handlers.errors import NotStored
from handlers.links import HIDDEN, Kind, Link, read_token
from handlers.ports import Suppression
from handlers.receiving import address_of
from handlers.services import Services, TenantServices
from handlers.web.link_reports import PROVIDER, Evidence, report_of
from handlers.web.pages import opt_out_page

LOG = logging.getLogger("antiphon.tracking")
GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
PRIVATE = {
    "Cache-Control": "no-cache, no-store, must-revalidate, private, max-age=0",
    "Pragma": "no-cache",
    "Expires": "0",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
PREFETCH_HEADERS = ("purpose", "sec-purpose", "x-purpose", "x-moz")
TEXT_MAX = 500
OPT_OUT = "unsubscribe"
"""The ground of the ban: the one that the provider's own opt-out sets."""

_Found = tuple[TenantServices, Link]


class Tracking:
    """What recipients' programs ask for; links carry ids and a signature, never an address."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def pixel(self, request: Request) -> Response:
        """The pixel, whatever the token; a good one is recorded as an open."""
        try:
            found = self._found("o", request)
            if found is not None:
                self._record(*found, self._evidence("open", found[1], request))
        except Exception as error:  # noqa: BLE001  # the image comes whatever is broken behind it
            self._lost("open", error)
        return Response(GIF, media_type="image/gif", headers=PRIVATE)

    def click(self, request: Request) -> Response:
        """The stored target and no other; unknown links lead nowhere."""
        found = self._found("c", request)
        if found is not None and found[1].number == HIDDEN:
            return self._trapped(found, request)
        target = None if found is None else _target(*found)
        if found is None or target is None:
            return PlainTextResponse("not found", status_code=404, headers=PRIVATE)
        self._clicked(found, request, target)
        return RedirectResponse(target, status_code=302, headers=PRIVATE)

    def _trapped(self, found: _Found, request: Request) -> Response:
        """Nobody sees this link, so there is nothing behind it but the evidence."""
        self._clicked(found, request, "")
        return Response(status_code=204, headers=PRIVATE)

    def _clicked(self, found: _Found, request: Request, target: str) -> None:
        try:
            self._record(*found, self._evidence("click", found[1], request, url=target))
        except Exception as error:  # noqa: BLE001  # a reader gets on; the lost fact is counted
            self._lost("click", error)

    def ask(self, request: Request) -> Response:
        """A page with a button: mail gateways fetch links, so a GET opts nobody out."""
        found = self._found("u", request)
        return opt_out_page("unknown", 404) if found is None else opt_out_page("ask", 200)

    def opt_out(self, request: Request) -> Response:
        """Opt out at once, by the button or by one click of RFC 8058: no cookie, no redirect."""
        found = self._found("u", request)
        if found is None:
            return opt_out_page("unknown", 404)
        evidence = self._evidence("unsubscribe", found[1], request)
        try:
            _suppress(*found, at=evidence.at)
            self._record(*found, evidence)
        except Exception as error:
            self._lost("unsubscribe", error)
            raise NotStored("please try again in a minute") from error
        return opt_out_page("done", 200)

    def _found(self, kind: Kind, request: Request) -> _Found | None:
        link = read_token(kind, request.path_params["token"], self._services.link_keys)
        tenant = None if link is None else self._services.tenant_by_tag(link.tenant_tag)
        return None if link is None or tenant is None else (tenant, link)

    def _evidence(
        self,
        kind: Literal["open", "click", "unsubscribe"],
        link: Link,
        request: Request,
        url: str = "",
    ) -> Evidence:
        return Evidence(
            kind=kind,
            message_id=link.message_id,
            tenant_tag=link.tenant_tag,
            at=self._services.clock.now(),
            number=link.number,
            url=url,
            ip=address_of(request),
            useragent=request.headers.get("user-agent", "")[:TEXT_MAX],
            method=request.method,
            prefetch=_is_prefetch(request),
        )

    def _record(self, tenant: TenantServices, _: Link, evidence: Evidence) -> None:
        ports = tenant.ports
        report = report_of(evidence, ports.tenant)
        ports.inbox.keep(PROVIDER, {}, report.raw, [report], late=False)
        ports.doorbell.ring("ingest", ports.tenant)

    def _lost(self, kind: str, error: Exception) -> None:
        self._services.count(f"link.{kind}.lost")
        LOG.warning("a report of kind %s was not stored: %s", kind, type(error).__name__)


def _target(tenant: TenantServices, link: Link) -> str | None:
    """The link as it was rendered, if it is one that a browser may be sent to."""
    url = tenant.ports.vault.link(link.message_id, link.number)
    if url is None or urlsplit(url).scheme.lower() not in ("http", "https"):
        return None
    return url


def _suppress(tenant: TenantServices, link: Link, *, at: datetime) -> None:
    """Ban every address of the person that the mail went to, before anything else is tried.

    An earlier attempt of the message may have gone to another one than the mail that is kept.
    """
    row = tenant.reads.message(link.message_id)
    contact = None if row is None else row.contact_id
    address = _address(tenant, link, contact)
    if address or contact:
        ban = Suppression(
            Family.EMAIL,
            address or "",
            "unsubscribed",
            PROVIDER,
            at,
            ground=OPT_OUT,
            cause=Cause(CauseKind.LINK, str(link.message_id)),
            contact_id=contact,
        )
        tenant.ports.suppressions.add(None, [ban])


def _address(tenant: TenantServices, link: Link, contact: ContactId | None) -> str | None:
    """Where the mail went; where it is no longer kept, the contact's address of today."""
    vault = tenant.ports.vault
    kept = vault.mails([link.message_id]).get(link.message_id)
    if kept is not None:
        return kept[0].to_email
    person = None if contact is None else vault.people([contact]).get(contact)
    return None if person is None else person.email


def _is_prefetch(request: Request) -> bool:
    said = (request.headers.get(name, "").lower() for name in PREFETCH_HEADERS)
    return any("prefetch" in text or "preview" in text for text in said)
