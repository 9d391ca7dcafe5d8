"""Samples of Inbound Parse and what the reader makes of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.ids import MessageId
from handlers.webhooks.words import Inbound, InboundReader
from infra.providers.sendgrid.inbound import SendGridInbound

DATA = Path(__file__).parent.parent / "data" / "payloads"
SAMPLES = json.loads((DATA / "sendgrid_inbound_parse.json").read_bytes())
PARSED: dict[str, dict[str, str]] = SAMPLES["parsed"]
RAW: dict[str, str] = SAMPLES["raw"][0]

MESSAGE = MessageId(UUID("0192f3c4-5d6e-7a8b-9c0d-1e2f3a4b5c6d"))
OTHER = UUID("0192f3c4-0000-7a8b-9c0d-1e2f3a4b5c6d")
NOW = datetime(2024, 10, 29, 9, 20, tzinfo=UTC)
READER: InboundReader = SendGridInbound(own=["Agent@Sender.example"])
FORM = "multipart/form-data; boundary=xYzZY"


def multipart(fields: dict[str, str | bytes], boundary: str = "xYzZY") -> bytes:
    body = b""
    for name, value in fields.items():
        raw = value.encode() if isinstance(value, str) else value
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        body += head.encode() + raw + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def read_form_of(fields: dict[str, Any]) -> Inbound:
    return READER.read_inbound(FORM, multipart(fields), now=NOW)


def reply(text: str = "Sounds good", *headers: str, **fields: str) -> Inbound:
    """The sample reply with other words, more headers, other fields."""
    sample = PARSED["reply"]
    head = sample["headers"] + "".join(f"{line}\n" for line in headers)
    return read_form_of({**sample, "html": "", "text": text, "headers": head, **fields})


def envelope(*to: str, sender: str = "contact@example.com") -> str:
    return json.dumps({"to": to, "from": sender})
