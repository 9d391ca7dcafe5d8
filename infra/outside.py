"""What a process has of the world outside: providers, their webhooks, DNS, registered endpoints."""

import hmac
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from hashlib import sha256

from domain.ids import TenantId
from handlers.addresses import Addresses
from handlers.links import Links
from handlers.ports import Clock, SuppressionLists, WebhookReader
from handlers.web.link_reports import LinkReports
from handlers.webhooks.inbound import InboundReports
from infra.clock import SystemClock
from infra.embedded.home import Home
from infra.endpoints.caller import HttpCaller
from infra.providers.dns import DnsDomains
from infra.providers.sendgrid import SendGridProvider, SendGridWebhook
from infra.providers.sendgrid.account import SendGridAccount
from infra.providers.sendgrid.suppression_lists import SendGridApi, SendGridSuppressionLists
from infra.providers.sendgrid.validation import SendGridValidation
from infra.settings import Settings
from infra.tenancy import Database
from infra.vault import SqlAddressChecks
from infra.watched import watched_provider


class MissingKey(Exception):
    """A key that is needed for what was asked is not set."""


class Outside:
    """The adapters of a process to other systems, each made at first use and kept."""

    settings: Settings
    database: Database
    clock: Clock
    pepper: bytes

    @cached_property
    def errand_executor(self) -> ThreadPoolExecutor:
        """Threads for calls of endpoints: no tenant's slow endpoint keeps mails from leaving."""
        return ThreadPoolExecutor(self.settings.call_threads, thread_name_prefix="errand")

    # --- how others reach us ----------------------------------------------------------------------

    def link_key(self, tag: str) -> bytes:
        """The key that signs the links in a tenant's mails."""
        return hmac.digest(self.pepper, b"links:" + tag.encode(), sha256)

    def links(self, tag: str) -> Links:
        """The addresses that are written into a tenant's mails."""
        return Links(self.public_url, tag, self.link_key(tag))

    @property
    def public_url(self) -> str:
        """Address of the web process as recipients see it."""
        settings = self.settings
        if settings.public_url is not None:
            return settings.public_url
        port = settings.web_port or Home(settings.home).port("web") or 8000
        return f"http://127.0.0.1:{port}"

    # --- the provider of e-mail -------------------------------------------------------------------

    @cached_property
    def provider(self) -> SendGridProvider:
        """The provider of e-mail; raises MissingKey."""
        provider = SendGridProvider(
            self._provider_key(),
            self.settings.sendgrid_base_url,
            connect_s=self.settings.connect_timeout_s,
            total_s=self.settings.call_timeout_s,
            open_tracking=self.settings.sendgrid_open_tracking,
        )
        return watched_provider(provider)

    @cached_property
    def caller(self) -> HttpCaller:
        """Who calls registered endpoints; dated by the real time, which receivers compare with."""
        return HttpCaller(
            SystemClock(self.database).now, allow_private=self.settings.endpoints_allow_private
        )

    @cached_property
    def provider_account(self) -> SendGridAccount:
        """The account at the provider, asked by calls that send nothing; raises MissingKey."""
        return SendGridAccount(
            self._provider_key(),
            self.settings.sendgrid_base_url,
            connect_s=self.settings.connect_timeout_s,
            total_s=self.settings.call_timeout_s,
        )

    @cached_property
    def suppression_lists(self) -> SuppressionLists:
        """The provider's own lists of addresses that said no; raises MissingKey."""
        api = SendGridApi(
            self._provider_key(),
            self.settings.sendgrid_base_url,
            connect_s=self.settings.connect_timeout_s,
        )
        return SendGridSuppressionLists(api)

    def _provider_key(self) -> str:
        key = self.settings.sendgrid_api_key
        if key is None:
            raise MissingKey(
                "ANTIPHON_SENDGRID_API_KEY is not set: give the key for Mail Send, or for a trial "
                "run `antiphon demo`, which brings a provider of its own"
            )
        return key.get_secret_value()

    def webhook_keys(self, tenant: TenantId, provider: str) -> list[str]:
        """The public keys that a tenant's webhooks may be signed with."""
        with self.database.control_tx() as curs:
            curs.execute(
                "SELECT public_key FROM control.webhook_keys"
                " WHERE tenant = %s AND provider = %s ORDER BY created_at",
                (tenant, provider),
            )
            return [row[0] for row in curs.fetchall()]

    def sendgrid_webhook(self, tenant: TenantId) -> SendGridWebhook:
        """The reader of a tenant's event webhooks with its keys as they are now."""
        return SendGridWebhook(
            self.webhook_keys(tenant, "sendgrid"),
            pepper=self.pepper,
            trust_s=self.settings.webhook_trust_s,
            accept_s=self.settings.webhook_accept_s,
        )

    def readers(self) -> Mapping[str, WebhookReader]:
        """Who translates the inbox rows of which provider; keys are not needed for that."""
        return {
            "sendgrid": SendGridWebhook((), pepper=self.pepper),
            "sendgrid_inbound": InboundReports(),
            "link": LinkReports(),
        }

    # --- addresses --------------------------------------------------------------------------------

    @cached_property
    def domains(self) -> DnsDomains | None:
        """Who knows whether a domain takes mail; one for all tenants, since it remembers."""
        return DnsDomains() if self.settings.check_domains else None

    @property
    def checks_addresses(self) -> bool:
        """Whether anybody is asked about addresses; where nobody is, each is taken for good."""
        return self.domains is not None or self.settings.sendgrid_validation_key is not None

    def addresses(self, name: str) -> Addresses:
        """What is known of the addresses of a tenant's contacts, and who looks at them."""
        settings, key = self.settings, self.settings.sendgrid_validation_key
        validation = key and SendGridValidation(
            key.get_secret_value(),
            settings.sendgrid_base_url,
            connect_s=settings.connect_timeout_s,
            total_s=settings.call_timeout_s,
        )
        return Addresses(
            SqlAddressChecks(self.database, TenantId(name)),
            self.clock,
            self.errand_executor,
            domains=self.domains,
            validation=validation or None,
        )
