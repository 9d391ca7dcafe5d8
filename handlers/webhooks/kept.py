"""Reports that we wrote ourselves when they came, read again from the inbox."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

import msgspec
from typing_extensions import override

from domain.ids import TenantId
from handlers.ports import InvalidSignature, Report, WebhookReader


class KeptReports(WebhookReader):
    """Reads one kind of kept report; nobody posts them, so no signature is a good one."""

    provider: str

    @abstractmethod
    def report(self, raw: bytes, tenant: TenantId) -> Report:
        """The report as it was told; raises MsgspecError or ValueError for what is not one."""

    @override
    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        raise InvalidSignature

    @override
    def read(self, body: bytes, *, tenant: TenantId) -> list[Report]:
        return [self.translate(body, tenant=tenant)]

    @override
    def translate(self, raw: bytes, *, tenant: TenantId) -> Report:
        try:
            return self.report(raw, tenant)
        except (msgspec.MsgspecError, ValueError):
            key = sha256(b"unreadable" + raw).digest()
            return Report(
                provider=self.provider, kind="unreadable", raw=raw, key=key, problem="unreadable"
            )
