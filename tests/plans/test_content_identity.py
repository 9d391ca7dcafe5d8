from typing import Any

import pytest

from plans.context import ContactContext, Identity, TenantPolicy
from tests.plans.content_cases import CONTACT, Found, contact, issues, only
from tests.plans.plan_cases import END, mail, plan

CHANNEL = "/nodes/0/channel"


def send(channel: str) -> dict[str, Any]:
    text = {"subject": "x"} if channel == "email" else {}
    return plan(mail(channel=channel, message={"text": "x STOP", **text}), END)


def someone(**sms: str | None) -> ContactContext:
    return CONTACT.model_copy(
        update={"channels": {"sms": Identity.model_validate({"address": "+1", **sms})}}
    )


@pytest.mark.parametrize("channel", ["email", "linkedin_invite", "linkedin_message"])
def test_a_contact_without_an_address_for_the_family_cannot_be_sent_to(channel: str) -> None:
    found = only(send(channel), context=someone())
    assert (found.code, found.path, found.expected) == ("E_NO_IDENTITY", CHANNEL, ["sms"])


def test_an_empty_address_is_none() -> None:
    assert issues(send("sms"), context=someone(address=" ")) == [("E_NO_IDENTITY", CHANNEL)]


def test_a_suppressed_address_is_refused_on_every_channel_of_its_family_and_on_no_other() -> None:
    bounced = contact("contact_suppressed")
    assert issues(send("email"), context=bounced) == [("E_SUPPRESSED", CHANNEL)]
    assert issues(send("sms"), context=bounced) == []
    channels = {"linkedin": Identity(address="x", suppressed="opt_out 2026-08-01")}
    opted_out = CONTACT.model_copy(update={"channels": channels})
    for channel in ("linkedin_invite", "linkedin_message"):
        assert issues(send(channel), context=opted_out) == [("E_SUPPRESSED", CHANNEL)]


@pytest.mark.parametrize(
    ("sms", "expected"),
    [
        ({"consent": "2026-09-02T10:00:00Z"}, []),
        ({}, [("E_SMS_CONSENT", CHANNEL)]),
        ({"suppressed": "opt_out"}, [("E_SUPPRESSED", CHANNEL)]),
        ({"suppressed": "opt_out", "consent": "2026-09-02T10:00:00Z"}, [("E_SUPPRESSED", CHANNEL)]),
    ],
)
def test_sms_needs_consent_that_a_suppression_outweighs(
    sms: dict[str, str], expected: Found
) -> None:
    assert issues(send("sms"), context=someone(**sms)) == expected


def test_mail_needs_no_recorded_consent() -> None:
    assert issues(send("email")) == []


def test_without_a_contact_identity_is_not_checked() -> None:
    assert issues(send("sms"), context=None) == []


def test_no_address_is_repeated_in_an_issue() -> None:
    suppressed = someone(address="+14155550100", suppressed="opt_out")
    assert "+14155550100" not in repr(only(send("sms"), context=suppressed))


def test_a_channel_that_the_tenant_does_not_allow_is_refused_with_or_without_a_contact() -> None:
    policy = TenantPolicy.model_validate({"allowedChannels": ["email", "linkedin_invite"]})
    for context in (CONTACT, None):
        found = only(send("sms"), context=context, policy=policy)
        assert (found.code, found.path) == ("E_POLICY_LIMIT", CHANNEL)
        assert found.expected == ["email", "linkedin_invite"]
        assert issues(send("email"), context=context, policy=policy) == []


@pytest.mark.parametrize(
    ("wanted", "allowed", "code"),
    [
        ("P61D", "P60D", ["E_POLICY_LIMIT"]),
        ("P60D", "P60D", []),
        ("PT1440H", "P60D", []),
        ("P181D", None, ["E_POLICY_LIMIT"]),
        ("P180D", None, []),
    ],
)
def test_a_plan_lasts_no_longer_than_the_tenant_allows(
    wanted: str, allowed: str | None, code: list[str]
) -> None:
    policy = TenantPolicy.model_validate({} if allowed is None else {"maxDuration": allowed})
    document = plan(limits={"maxDuration": wanted})
    assert issues(document, policy=policy) == [(each, "/limits/maxDuration") for each in code]
    assert issues(document) == []


def test_the_longest_duration_that_is_allowed_is_proposed() -> None:
    policy = TenantPolicy.model_validate({"maxDuration": "P30D"})
    assert only(plan(), policy=policy).patch == (
        {"op": "replace", "path": "/limits/maxDuration", "value": "P30D"},
    )


def test_only_sends_that_can_be_reached_need_an_address() -> None:
    late = mail(id="sms", channel="sms", message={"text": "STOP"})
    first = mail(transitions=[{"on": "no_reply", "to": "sms"}])
    document = plan(first, late, END)
    assert issues(document, context=someone(consent="x")) == [("E_NO_IDENTITY", CHANNEL)]
    assert issues(document, context=someone(consent="x"), reachable={"sms", "end"}) == []
