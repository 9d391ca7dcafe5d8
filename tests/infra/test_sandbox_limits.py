from datetime import timedelta
from typing import Any

import msgspec
import pytest

from infra.sandbox import mail_send
from infra.sandbox.limits import refusals
from tests.infra.sandbox_running import ORIGIN, mail


def fields(request: dict[str, Any]) -> set[str | None]:
    read = mail_send.read(msgspec.json.encode(request))
    return {refusal.field for refusal in refusals(read, ORIGIN)}


def to(*addresses: str) -> dict[str, Any]:
    return {"to": [{"email": address} for address in addresses]}


def unix(**ahead: float) -> int:
    return int((ORIGIN + timedelta(**ahead)).timestamp())


def test_our_request_is_within_the_limits() -> None:
    assert fields(mail()) == set()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [to("a@example.com")] * 1001}, "personalizations"),
        ({"personalizations": [to(*(f"p{n}@x.org" for n in range(1001)))]}, "personalizations"),
        ({"personalizations": [to()]}, "personalizations.0.to"),
        ({"personalizations": [to("a@x.org", "A@x.org")]}, "personalizations.0.to"),
        ({"personalizations": [to("nobody")]}, "personalizations.0.to.email"),
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"reply_to_list": [{"email": "a@x.org"}]}, "reply_to"),
        ({"reply_to": None, "reply_to_list": [{"email": "a@x.org"}] * 1001}, "reply_to_list"),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"categories": [f"c{n}" for n in range(11)]}, "categories"),
        ({"categories": ["c" * 256]}, "categories"),
        ({"custom_args": {"a": "x" * 10_000}}, "personalizations.0.custom_args"),
        ({"headers": {"Reply-To": "a@x.org"}}, "headers"),
        ({"headers": {"X-Ours": "a\r\nBcc: b@x.org"}}, "headers"),
        ({"asm": {"group_id": 1, "groups_to_display": list(range(26))}}, "asm.groups_to_display"),
        ({"ip_pool_name": "x"}, "ip_pool_name"),
        ({"send_at": unix(hours=73)}, "send_at"),
    ],
)
def test_a_request_beyond_a_limit_is_refused(changes: dict[str, Any], field: str) -> None:
    assert fields(mail(**changes)) == {field}


def test_html_before_text_is_refused() -> None:
    parts = [{"type": "text/html", "value": "<p>a</p>"}, {"type": "text/plain", "value": "a"}]
    assert fields(mail(content=parts)) == {"content"}


def test_a_template_needs_neither_subject_nor_content() -> None:
    assert fields(mail(template_id="d-1", subject=None, content=[])) == set()


def test_a_schedule_within_three_days_is_taken() -> None:
    assert fields(mail(send_at=unix(hours=71))) == set()
