"""What the tenants of benchmarks share: a sender, limits that never fill, a provider."""

from collections.abc import Mapping

from typing_extensions import override

from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CauseKind
from handlers.ports import Answer, Mail, Provider, Sender, Why

BY_BENCH = Why(Cause(CauseKind.OPERATOR, "bench"), "bench")
MANY = 1_000_000_000
WIDE: Mapping[str, int | str] = {
    "weekend": "none",
    "sender_minute_max": MANY,
    "sender_hour_max": MANY,
    "sender_day_max": MANY,
    "domain_hour_max": MANY,
    "tenant_hour_max": MANY,
}
"""Every limit is counted and looked at, none is ever full."""
SAM = Sender(
    sender="sam",
    from_email="sam@mail.example",
    from_name="Sam Okello",
    first_name="Sam",
    calendar_url="https://cal.example/sam",
    reply_domain="reply.example",
    postal_address="1 Harbour Street, Lisbon",
    verified=True,
)


class AcceptsAtOnce(Provider):
    """Implements handlers.ports.Provider: takes every mail without delay, under a new id."""

    @override
    def send(self, mail: Mail, *, attempt: int, tenant_tag: str) -> Answer:
        assert tenant_tag
        return Answer(kind=AnswerClass.ACCEPTED, provider_id=f"p-{mail.message_id.hex}-{attempt}")
