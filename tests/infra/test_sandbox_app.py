import http.client
from collections.abc import Iterator

import pytest
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, Mail

from infra.sandbox.limits import BODY_BYTES_MAX
from tests.infra.sandbox_running import (
    KEY,
    MESSAGE,
    ORIGIN,
    HandClock,
    Live,
    config_for,
    mail,
    running,
)

PATIENT_S = 20.0
IMPATIENT_S = 0.3


@pytest.fixture
def live() -> Iterator[Live]:
    with running(config_for(silence_s=1.0), HandClock()) as sandbox:
        yield sandbox


def test_the_official_client_is_accepted_and_told_the_id(live: Live) -> None:
    message = Mail("agent@sender.example", "silent+a@example.com", "Hello", "plain", "<p>html</p>")
    message.add_custom_arg(CustomArg("antiphon_message", MESSAGE))
    answer = SendGridAPIClient(KEY, host=live.url).send(message)
    assert answer.status_code == 202
    assert answer.body == b""
    assert len(answer.headers["X-Message-Id"]) == 22
    assert live.stats()["messages"] == 1


def test_a_wrong_key_is_refused_in_the_providers_words(live: Live) -> None:
    live.headers["Authorization"] = "Bearer other"
    answer = live.send(mail())
    assert answer.status == 401
    assert answer.json() == {
        "errors": [{"message": "authorization required", "field": None, "help": None}]
    }
    assert live.call("POST", "/v3/mail/batch", {}).status == 401
    assert live.call("GET", "/v3/suppression/bounces").status == 401


def test_unknown_paths_and_methods_are_answered_with_errors(live: Live) -> None:
    assert live.call("GET", "/v3/unknown").json()["errors"][0]["message"] == "not found"
    assert live.call("GET", "/v3/mail/send").status == 405


def test_an_invalid_request_is_answered_with_every_fault(live: Live) -> None:
    answer = live.send(mail(subject="", categories=["c"] * 11))
    assert answer.status == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"subject", "categories"}
    assert live.send(b"{not json").status == 400
    assert live.send({"personalizations": "no list"}).status == 400
    assert live.stats()["accepted"] == 0


def test_a_body_over_thirty_megabytes_is_too_large(live: Live) -> None:
    answer = live.send(b" " * (BODY_BYTES_MAX + 1))
    assert answer.status == 413
    assert answer.json()["errors"][0]["message"] == "content too large"


def test_sandbox_mode_answers_200_and_sends_nothing(live: Live) -> None:
    request = mail(mail_settings={"sandbox_mode": {"enable": True}})
    assert live.send(request).status == 200
    assert live.stats()["accepted"] == 0


def test_accepts_of_one_message_are_counted_and_kept(live: Live) -> None:
    other = {**mail()["custom_args"], "antiphon_message": "other"}
    for request in (mail(), mail(), mail(), mail(custom_args=other)):
        assert live.send(request).status == 202
    stats = live.stats()
    assert (stats["requests"], stats["accepted"]) == (4, 4)
    assert (stats["messages"], stats["duplicates"]) == (2, 2)
    accepts = live.call("GET", f"/_sandbox/messages/{MESSAGE}").json()["accepts"]
    assert [accept["request"] for accept in accepts] == [mail(), mail(), mail()]
    assert len({accept["provider_id"] for accept in accepts}) == 3
    assert live.call("GET", "/_sandbox/messages/none").status == 404


def test_a_batch_id_is_known_once_it_was_given_out(live: Live) -> None:
    answer = live.call("POST", "/v3/mail/batch", {})
    assert answer.status == 201
    batch_id = answer.json()["batch_id"]
    assert live.call("GET", f"/v3/mail/batch/{batch_id}").json() == {"batch_id": batch_id}
    assert live.call("GET", "/v3/mail/batch/other").status == 404


def test_health_needs_no_key(live: Live) -> None:
    live.headers.clear()
    assert live.call("GET", "/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("mode", "status", "accepted"),
    [
        ("accept", 202, 1),
        ("400", 400, 0),
        ("401", 401, 0),
        ("403", 403, 0),
        ("413", 413, 0),
        ("429", 429, 0),
        ("5xx_before", 500, 0),
        ("5xx_after", 500, 1),
    ],
)
def test_a_fault_mode_answers_with_its_status(
    live: Live, mode: str, status: int, accepted: int
) -> None:
    live.set_fault(mode)
    answer = live.send(mail())
    assert answer.status == status
    assert status == 202 or answer.json()["errors"][0]["message"]
    assert live.stats()["accepted"] == accepted


def test_too_many_requests_tell_when_to_come_again_in_simulated_time(live: Live) -> None:
    live.set_fault("429")
    headers = live.send(mail()).headers
    assert headers["x-ratelimit-remaining"] == "0"
    assert int(headers["x-ratelimit-reset"]) == ORIGIN.timestamp() + 30


@pytest.mark.parametrize(("mode", "accepted"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_leaves_the_sender_in_doubt(live: Live, mode: str, accepted: int) -> None:
    live.set_fault(mode)
    with pytest.raises(ConnectionResetError):
        live.send(mail())
    assert live.stats()["accepted"] == accepted


@pytest.mark.parametrize(("mode", "accepted"), [("silence_before", 0), ("silence_after", 1)])
def test_silence_outlasts_an_impatient_sender(live: Live, mode: str, accepted: int) -> None:
    live.set_fault(mode)
    with pytest.raises(TimeoutError):
        live.send(mail(), timeout_s=IMPATIENT_S)
    assert live.stats()["accepted"] == accepted


def test_silence_ends_in_a_broken_connection() -> None:
    with running(config_for(silence_s=0.05), HandClock()) as live:
        live.set_fault("silence_before")
        with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
            live.send(mail(), timeout_s=PATIENT_S)


def test_a_fault_may_meet_a_share_of_the_requests(live: Live) -> None:
    live.set_fault("5xx_after", share=0.3)
    names = [{**mail()["custom_args"], "antiphon_message": str(n)} for n in range(100)]
    statuses = [live.send(mail(custom_args=args)).status for args in names]
    assert 15 <= statuses.count(500) <= 45
    assert statuses.count(500) + statuses.count(202) == 100
    assert live.stats()["accepted"] == 100


def test_a_fault_may_meet_one_recipient_domain(live: Live) -> None:
    live.set_fault("400", domain="broken.example")
    assert live.send(mail("silent+a@broken.example")).status == 400
    assert live.send(mail("silent+a@example.com")).status == 202


def test_several_faults_share_the_requests_and_accept_ends_them(live: Live) -> None:
    faults = [{"mode": "400", "share": 0.5}, {"mode": "403", "share": 0.5}]
    live.call("POST", "/_sandbox/faults", {"faults": faults})
    names = [{**mail()["custom_args"], "antiphon_message": str(n)} for n in range(40)]
    assert {live.send(mail(custom_args=args)).status for args in names} == {400, 403}
    live.set_fault("accept")
    assert live.send(mail()).status == 202


@pytest.mark.parametrize("order", [{"mode": "unheard"}, {"mode": "400", "share": 2}, {}, []])
def test_an_order_of_faults_that_is_not_understood_changes_nothing(
    live: Live, order: object
) -> None:
    live.set_fault("403")
    assert live.call("POST", "/_sandbox/faults", order).status == 400
    assert live.send(mail()).status == 403
