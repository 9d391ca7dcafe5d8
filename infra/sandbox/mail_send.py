"""The body of a Mail Send request, typed; fields that the sandbox has no use for are let pass."""

import msgspec


class Address(msgspec.Struct, frozen=True):
    """A mailbox with an optional name."""

    email: str
    name: str | None = None


class Personalization(msgspec.Struct, frozen=True, kw_only=True):
    """One envelope of a request."""

    to: list[Address] = []
    cc: list[Address] = []
    bcc: list[Address] = []
    sender: Address | None = msgspec.field(default=None, name="from")
    subject: str | None = None
    headers: dict[str, str] = {}
    custom_args: dict[str, str] = {}
    send_at: int | None = None

    def recipients(self) -> list[Address]:
        """Everybody who gets this mail."""
        return [*self.to, *self.cc, *self.bcc]


class Content(msgspec.Struct, frozen=True):
    """One body in one media type."""

    type: str
    value: str


class Switch(msgspec.Struct, frozen=True):
    """A setting that is on or off."""

    enable: bool = False


class TrackingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider itself observes."""

    click_tracking: Switch = Switch()
    open_tracking: Switch = Switch()
    subscription_tracking: Switch = Switch()


class MailSettings(msgspec.Struct, frozen=True):
    """Only the switch that makes a request a dry run."""

    sandbox_mode: Switch = Switch()


class Asm(msgspec.Struct, frozen=True, kw_only=True):
    """Unsubscribe groups."""

    group_id: int
    groups_to_display: list[int] = []


class MailSend(msgspec.Struct, frozen=True, kw_only=True):
    """A request to `POST /v3/mail/send`."""

    personalizations: list[Personalization]
    sender: Address = msgspec.field(name="from")
    reply_to: Address | None = None
    reply_to_list: list[Address] = []
    subject: str | None = None
    content: list[Content] = []
    template_id: str | None = None
    headers: dict[str, str] = {}
    categories: list[str] = []
    custom_args: dict[str, str] = {}
    send_at: int | None = None
    batch_id: str | None = None
    asm: Asm | None = None
    ip_pool_name: str | None = None
    mail_settings: MailSettings = MailSettings()
    tracking_settings: TrackingSettings = TrackingSettings()

    @property
    def message(self) -> str:
        """The sender's own id of the message, empty where the request carries none."""
        first = self.personalizations[0].custom_args
        return first.get("antiphon_message", self.custom_args.get("antiphon_message", ""))


_DECODER: msgspec.json.Decoder[MailSend] = msgspec.json.Decoder(MailSend)


def read(raw: bytes) -> MailSend:
    """The request of a body; msgspec.DecodeError tells what is wrong with it."""
    return _DECODER.decode(raw)
