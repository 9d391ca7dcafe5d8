"""Posts of providers: verified on their raw bytes, stored, and only then acknowledged."""

import logging
from collections.abc import Callable, Mapping
from hmac import compare_digest

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from domain.ids import TenantId
from handlers.errors import BodyTooLarge, MediaNotTaken, NotStored, TooManyPosts
from handlers.ports import InvalidSignature
from handlers.receiving import media_of, read_within
from handlers.services import Services, TenantServices
from handlers.webhooks.inbound import keep_reply
from handlers.webhooks.limit import PostLimit
from handlers.webhooks.words import EncodedBody

LOG = logging.getLogger("antiphon.webhooks")
PROVIDER = "sendgrid"
EVENTS_BYTES_MAX = 16 * 1024 * 1024
EVENTS_MAX = 50_000
INBOUND_BYTES_MAX = 32 * 1024 * 1024
"""SendGrid posts mails of up to 30 MB."""
JSON = "application/json"
KEPT_HEADERS = ("content-type", "user-agent")
KEPT_PREFIX = "x-twilio-"
REFUSALS = (InvalidSignature, EncodedBody, BodyTooLarge, MediaNotTaken, TooManyPosts)
"""What a provider is told; all else is ours to mend, and it sends the post again."""

Store = Callable[[TenantServices, Request, bytes], None]


class Webhooks:
    """The doors of providers. Whatever comes in, the answer is never a 500."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._limit = PostLimit(services.webhook_per_minute)

    async def events(self, request: Request) -> Response:
        """204 once the raw events are kept; 401 unsigned, 503 not kept."""
        return await self._answer(request, self._take_events, EVENTS_BYTES_MAX)

    async def inbound(self, request: Request) -> Response:
        """The same for a mail that came in, signed."""
        return await self._answer(request, self._take_inbound, INBOUND_BYTES_MAX)

    async def inbound_by_secret(self, request: Request) -> Response:
        """The same for a mail, with a secret in the path in place of a signature."""
        return await self._answer(request, self._take_inbound_by_secret, INBOUND_BYTES_MAX)

    async def _answer(self, request: Request, store: Store, bytes_max: int) -> Response:
        try:
            await self._take(request, store, bytes_max)
        except REFUSALS as refusal:
            self._services.count(f"webhook.refused.{type(refusal).__name__}")
            raise
        except Exception as error:
            self._services.count("webhook.not_stored")
            LOG.warning("a post was not stored: %s", type(error).__name__)
            raise NotStored("send it again") from error
        return Response(status_code=204)

    async def _take(self, request: Request, store: Store, bytes_max: int) -> None:
        body = await read_within(request, bytes_max)
        await run_in_threadpool(self._stored, request, store, body)

    def _stored(self, request: Request, store: Store, body: bytes) -> None:
        name = TenantId(request.path_params["tenant"])
        tenant = self._services.tenant(name)
        if tenant is None:
            raise InvalidSignature  # as if its key were wrong: nobody learns who is a tenant
        store(tenant, request, body)
        tenant.ports.doorbell.ring("ingest", name)

    def _take_events(self, tenant: TenantServices, request: Request, body: bytes) -> None:
        ports = tenant.ports
        late = tenant.webhooks.verify(request.headers, body, now=self._services.real_now())
        self._admit(tenant)
        if media_of(request) not in (JSON, ""):
            raise MediaNotTaken(f"events are {JSON}")
        reports = tenant.webhooks.read(body, tenant=ports.tenant)
        if len(reports) > EVENTS_MAX:
            raise BodyTooLarge(f"more than {EVENTS_MAX} events")
        ports.inbox.keep(PROVIDER, _kept(request), body, reports, late=late)

    def _take_inbound(self, tenant: TenantServices, request: Request, body: bytes) -> None:
        late = tenant.inbound.verify(request.headers, body, now=self._services.real_now())
        self._keep_inbound(tenant, request, body, late=late)

    def _take_inbound_by_secret(
        self, tenant: TenantServices, request: Request, body: bytes
    ) -> None:
        given = request.path_params["secret"].encode("utf-8", "replace")
        if not tenant.inbound_secret or not compare_digest(given, tenant.inbound_secret.encode()):
            raise InvalidSignature
        self._keep_inbound(tenant, request, body, late=False)

    def _keep_inbound(
        self, tenant: TenantServices, request: Request, body: bytes, *, late: bool
    ) -> None:
        self._admit(tenant)
        content_type = request.headers.get("content-type", "")
        now = self._services.clock.now()
        inbound = tenant.inbound.read_inbound(content_type, body, now=now)
        keep_reply(tenant, inbound, _kept(request), body, late=late)

    def _admit(self, tenant: TenantServices) -> None:
        if not self._limit.admits(tenant.ports.tenant):
            raise TooManyPosts("slower, please")


def _kept(request: Request) -> Mapping[str, str]:
    """Headers worth keeping with the raw body: none that a proxy or a person added."""
    return {
        name: text
        for name, text in request.headers.items()
        if name in KEPT_HEADERS or name.startswith(KEPT_PREFIX)
    }
