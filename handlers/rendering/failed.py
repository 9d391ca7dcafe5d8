"""Why a message cannot be rendered, as a class word for the log and a detail for the vault."""

from typing import Literal

Reason = Literal[
    "template_syntax",
    "template_unresolved",
    "template_limit",
    "placeholder",
    "content",
    "html",
    "links",
    "subject",
    "line_break",
    "recipient",
    "sender",
    "postal_address",
]


class RenderFailed(Exception):
    """A message that must not go out as it is; `detail` may be personal and stays in the vault."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.detail = detail
