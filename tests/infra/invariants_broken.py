"""Ways to break a lived-in tenant by hand, each with the invariant that must tell it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from domain.events import MessageAccepted, SendAttemptStarted, TaskCreated
from domain.ids import ErrandId, NodeId
from domain.taxonomy import TaskKind, Via
from tests.infra.invariants_stage import Stage

Break = Callable[[Stage], object]


def sql(text: str, **params: Any) -> Break:
    def broken(stage: Stage) -> None:
        assert stage.sql(text, **params) > 0

    return broken


def spoilt(name: str, topic: str, old: str, new: str) -> Break:
    return lambda stage: stage.spoil(name, topic, old, new)


def in_plan(old: str, new: str) -> Break:
    return sql(
        """UPDATE {s}.plans SET document = convert_to(
                  replace(convert_from(document, 'UTF8'), %(old)s, %(new)s), 'UTF8')
            WHERE convert_from(document, 'UTF8') LIKE '%%' || %(old)s || '%%'""",
        old=old,
        new=new,
    )


def both(text: str) -> Break:
    """The same to the hours and to the days, of one row each."""

    def broken(stage: Stage) -> None:
        for table in ("metrics_hourly", "metrics_daily"):
            assert stage.sql(text.replace("TABLE", table)) > 0

    return broken


def accepted_twice(stage: Stage) -> None:
    message = stage.message("silent")
    fact = MessageAccepted(
        message_id=message.id,
        attempt=1,
        at=stage.house.clock.now(),
        via=Via.WEBHOOK,
        node=message.node,
        visit=1,
    )
    stage.append("silent", fact)


def tried_while_paused(stage: Stage) -> None:
    message = stage.message("paused")
    at, mac = stage.house.clock.now(), message.body_mac
    fact = SendAttemptStarted(message_id=message.id, attempt=1, body_mac=mac, at=at)
    stage.append("paused", fact)


def second_task(stage: Stage) -> None:
    at = stage.house.clock.now()
    fact = TaskCreated(
        task_id=ErrandId(UUID(int=5)),
        node=NodeId("phone"),
        visit=1,
        kind=TaskKind.CALL,
        due_at=at,
        at=at,
    )
    stage.append("tasked", fact)


LEAD_SQL = "(SELECT message_id FROM {s}.send_queue WHERE stream_id = %(silent)s AND node = 'hello')"
ONE_REPORT = "(SELECT min(inbox_id) FROM {s}.webhook_inbox)"
LONG_WALK = """
INSERT INTO {s}.events (originator_id, originator_version, topic, state)
SELECT %(draft)s, n + 1, topic, state FROM generate_series(1, 10000) AS n, {s}.events
 WHERE originator_id = %(silent)s AND topic = 'transition_taken'
   AND convert_from(state, 'UTF8') LIKE '%%"to":"again"%%'
"""

# What breaks the id, what the example says, and which others it cannot but break as well: a fold of
# the log, for one, differs from every row that was changed by hand.
CASES: dict[str, tuple[str, Break, str, set[str]]] = {
    "a campaign is gone": (
        "I1",
        sql("DELETE FROM {s}.campaigns WHERE status = 'draft'"),
        "no campaign",
        set(),
    ),
    "a contact is gone while its stream runs": (
        "I1",
        sql("DELETE FROM {s}.contacts WHERE first_name = 'Waiting'"),
        "has not ended: no contact",
        set(),
    ),
    "a plan serves nobody": (
        "I1",
        sql("INSERT INTO {s}.plans (plan_hash, document) VALUES ('p', '')"),
        "plan p: serves no contact",
        set(),
    ),
    "a link of no message": (
        "I1",
        sql(
            "INSERT INTO {s}.links (message_id, number, contact_id, url)"
            " VALUES (gen_random_uuid(), 0, gen_random_uuid(), '')"
        ),
        "no message",
        set(),
    ),
    "a task of no stream": (
        "I1",
        sql("UPDATE {s}.tasks SET stream_id = gen_random_uuid() WHERE stream_id = %(tasked)s"),
        "no stream",
        {"I23"},
    ),
    "a contact-campaign is missing": (
        "I2",
        sql("DELETE FROM {s}.contact_campaigns WHERE stream_id = %(late)s"),
        "11 enrolments, 10 contact-campaigns",
        {"I23"},
    ),
    "an end without an outcome": (
        "I2",
        sql("UPDATE {s}.contact_campaigns SET outcome = NULL WHERE stream_id = %(left)s"),
        "exited, outcome none",
        {"I23"},
    ),
    "a counter counts too much": (
        "I3",
        both("UPDATE {s}.TABLE SET deferrals = 3 WHERE enrolled = 1 AND started = 0"),
        "says 3 deferrals, the log 0",
        {"I23"},
    ),
    "the day does not have the hours": (
        "I3",
        sql("UPDATE {s}.metrics_daily SET sender = 'x' WHERE planned > 0"),
        "the hours say",
        {"I23"},
    ),
    "a plan without its start": (
        "I4",
        in_plan('"startNodeId":"hello"', '"startNodeId":"hallo"'),
        "no start node 'hallo'",
        set(),
    ),
    "a node that nothing leads to": (
        "I4",
        in_plan('"to":"silent"', '"to":"won"'),
        "node 'silent' is out of reach",
        set(),
    ),
    "two nodes of one id": (
        "I4",
        in_plan('"id":"won"', '"id":"silent"'),
        "4 nodes with 3 different ids",
        {"I8"},
    ),
    "a counter below nought": (
        "I5",
        both("UPDATE {s}.TABLE SET machine_opens = -1 WHERE planned > 0"),
        "-1 machine_opens",
        {"I3", "I23"},
    ),
    "more delivered than accepted": (
        "I6",
        both("UPDATE {s}.TABLE SET delivered = delivered + 20 WHERE delivered > 0"),
        "accepted",
        {"I3", "I23"},
    ),
    "a variant that was not sent": (
        "I6",
        both("UPDATE {s}.TABLE SET variant = 'b' WHERE node = 'again'"),
        "variant b",
        {"I23"},
    ),
    "a timer after the end": (
        "I7",
        sql(
            "INSERT INTO {s}.timers (timer_id, stream_id, scope, kind, node, visit, index, due_at)"
            " VALUES (gen_random_uuid(), %(left)s, 'node', 'no_click', 'hello', 1, 0, 'infinity')"
        ),
        "is ended and has a timer: no_click",
        {"I23"},
    ),
    "a message that waits after the end": (
        "I7",
        sql("UPDATE {s}.send_queue SET state = 'QUEUED' WHERE stream_id = %(refused)s"),
        "has ended and message",
        {"I12", "I18", "I23"},
    ),
    "a task that is open after the end": (
        "I7",
        sql("UPDATE {s}.tasks SET stream_id = %(left)s WHERE stream_id = %(tasked)s"),
        "has ended and task",
        {"I23"},
    ),
    "a task that the stream has forgotten": (
        "I8",
        second_task,
        "is open at 'phone', the stream stands at 'phone'",
        {"I23"},
    ),
    "an exit with another outcome than its plan's": (
        "I8",
        in_plan('"outcome":"no_response"', '"outcome":"not_interested"'),
        "was completed with no_response, exit 'silent' says not_interested",
        set(),
    ),
    "a node of no plan": (
        "I8",
        in_plan('"again"', '"encore"'),
        "stands at 'again', which is no node of its plan",
        set(),
    ),
    "an acceptance that was told twice": (
        "I10",
        accepted_twice,
        "2 facts say so",
        {"I12", "I23"},
    ),
    "two messages of one provider id": (
        "I10",
        sql("UPDATE {s}.send_queue SET provider_id = 'p' WHERE state = 'ACCEPTED'"),
        "provider id p:",
        {"I23"},
    ),
    "a planned message without a row": (
        "I11",
        sql("DELETE FROM {s}.send_queue WHERE stream_id = %(stopped)s"),
        "no row",
        {"I23"},
    ),
    "a call without a row or an outcome": (
        "I11",
        sql("DELETE FROM {s}.errands"),
        "asked for 1 times, 0 outcomes, and no row",
        set(),
    ),
    "an errand that no fact asked for": (
        "I11",
        sql("UPDATE {s}.errands SET version = 1"),
        "(webhook): no fact asked for it",
        {"I23"},
    ),
    "an errand that is over": (
        "I11",
        sql(
            "INSERT INTO {s}.errands (errand_id, stream_id, version, kind, node, visit, endpoint,"
            " requested_at, give_up_at) SELECT (convert_from(state, 'UTF8')::jsonb"
            " -> 'f' ->> 'call_id')::uuid, originator_id, originator_version, 'webhook', 'enter',"
            " 1, 'crm', 'infinity', 'infinity' FROM {s}.events"
            " WHERE topic = 'webhook_requested' AND originator_id = %(tasked)s"
        ),
        "(webhook): its call has an outcome",
        {"I23"},
    ),
    "a notice that nobody was told": (
        "I11",
        sql("DELETE FROM {s}.notices WHERE stream_id = %(tasked)s"),
        "neither told nor waiting",
        set(),
    ),
    "a row at another attempt": (
        "I12",
        sql("UPDATE {s}.send_queue SET attempt = 2 WHERE stream_id = %(refused)s"),
        "its row is FAILED at attempt 2, its facts say FAILED at 1",
        {"I23"},
    ),
    "a fact that may not follow": (
        "I12",
        accepted_twice,
        "message_accepted when ACCEPTED",
        {"I10", "I23"},
    ),
    "an attempt while paused": (
        "I13",
        tried_while_paused,
        "started while its stream was paused",
        {"I10", "I12", "I23"},
    ),
    "an attempt after an opt-out": (
        "I13",
        spoilt("late", "signal_recorded", '"signal":"opened"', '"signal":"unsubscribed"'),
        "attempt 1: started after unsubscribed of version 10",
        {"I3", "I23"},
    ),
    "attempts in closed hours": (
        "I14",
        in_plan('"quietHours":{"end":"06:00"', '"quietHours":{"end":"19:00"'),
        "is closed at node 'hello' in UTC",
        set(),
    ),
    "another mail than was rendered": (
        "I17",
        sql(
            "UPDATE {s}.bodies SET mail = (SELECT mail FROM {s}.bodies WHERE message_id <> "
            + LEAD_SQL
            + " LIMIT 1) WHERE message_id = "
            + LEAD_SQL
        ),
        "its mail is not the one that was rendered",
        set(),
    ),
    "a mail of another snapshot": (
        "I17",
        sql("UPDATE {s}.bodies SET snapshot = 7 WHERE message_id = " + LEAD_SQL),
        "rendered from",
        set(),
    ),
    "an attempt of another mail": (
        "I17",
        spoilt("waiting", "send_attempt_started", '"body_mac":"', '"body_mac":"0'),
        "attempt 1: another mail had been rendered",
        set(),
    ),
    "an attempt under way for hours": (
        "I18",
        sql(
            "UPDATE {s}.send_queue SET state = 'SENDING', since = now() - interval '1 hour'"
            " WHERE stream_id = %(doubted)s"
        ),
        "is SENDING since",
        {"I12", "I23"},
    ),
    "a message that nobody sends": (
        "I18",
        sql("UPDATE {s}.send_queue SET not_before = due_at WHERE stream_id = %(paused)s"),
        "is QUEUED and was due 2026-09-07",
        set(),
    ),
    "a timer that nobody gives back": (
        "I18",
        sql("UPDATE {s}.timers SET state = 'claimed', lease_until = now() - interval '1 hour'"),
        "is claimed and its lease is over",
        set(),
    ),
    "an errand that nobody gives back": (
        "I18",
        sql("UPDATE {s}.errands SET state = 'claimed', lease_until = now() - interval '1 hour'"),
        "is claimed and its lease is over",
        set(),
    ),
    "an errand that nobody runs": (
        "I18",
        sql("UPDATE {s}.errands SET not_before = '2026-09-01', requested_at = '2026-09-01'"),
        "is due since 2026-09-01",
        {"I23"},
    ),
    "no reason for what was not sent": (
        "I19",
        sql("UPDATE {s}.send_queue SET reason = NULL WHERE stream_id = %(refused)s"),
        "is FAILED, reason: none",
        {"I23"},
    ),
    "kept back for no reason": (
        "I19",
        sql("UPDATE {s}.send_queue SET hold_reason = NULL WHERE stream_id = %(paused)s"),
        "kept back, reason: none",
        {"I23"},
    ),
    "a hole in a stream": (
        "I20",
        sql(
            "DELETE FROM {s}.events"
            " WHERE originator_id = %(clicked)s AND topic = 'transition_taken'"
        ),
        "10 events, versions 1 to 11",
        {"I23"},
    ),
    "a projection ahead of the log": (
        "I22",
        sql("UPDATE {s}.tracking SET notification_id = 1000 WHERE application_name = 'metrics'"),
        "projection metrics is at 1000, the log ends at",
        set(),
    ),
    "a fact that the feed skipped": (
        "I22",
        sql("DELETE FROM {s}.activity_feed WHERE kind = 'campaign.no_response'"),
        "was skipped by the feed",
        {"I23"},
    ),
    "a row that is not from the log": (
        "I23",
        sql("UPDATE {s}.contact_campaigns SET run = 2 WHERE stream_id = %(late)s"),
        "run is 2, folded 1",
        set(),
    ),
    "a timer that is to come and is not there": (
        "I23",
        sql("DELETE FROM {s}.timers WHERE stream_id = %(waiting)s AND scope = 'node'"),
        "missing",
        set(),
    ),
    "a fact that a projection set aside": (
        "I24",
        sql(
            "INSERT INTO {s}.projection_poison (projection, position, stream_id, topic, error)"
            " SELECT 'metrics', notification_id, originator_id, topic, 'ValueError: x'"
            " FROM {s}.events WHERE topic = 'message_queued' LIMIT 1"
        ),
        "(message_queued): ValueError: x",
        set(),
    ),
    "a report that was recorded twice": (
        "I25",
        sql(
            """UPDATE {s}.events SET state = convert_to(regexp_replace(
                      convert_from(state, 'UTF8'), '"key":"[0-9a-f]*"', '"key":"k"'), 'UTF8')
                WHERE originator_id = %(clicked)s AND topic = 'signal_recorded'"""
        ),
        "3 facts of report k",
        set(),
    ),
    "a report that was claimed and forgotten": (
        "I27",
        sql(
            "UPDATE {s}.webhook_inbox SET state = 'claimed', lease_until = now() - interval '1 day'"
            " WHERE inbox_id = " + ONE_REPORT
        ),
        "is claimed and its lease is over",
        set(),
    ),
    "a report that is set aside without a word": (
        "I27",
        sql(
            "UPDATE {s}.webhook_inbox SET state = 'parked', reason = NULL WHERE inbox_id = "
            + ONE_REPORT
        ),
        "is parked without a reason",
        set(),
    ),
    "an event that is not JSON": (
        "I28",
        sql(
            "UPDATE {s}.events SET state = 'no json'"
            " WHERE originator_id = %(clicked)s AND topic = 'transition_taken'"
        ),
        "version 10: event 'transition_taken'",
        {"I23"},
    ),
    "a stream of ten thousand facts": (
        "I29",
        sql(LONG_WALK),
        "10001 events",
        set(),
    ),
    "a name in the log": (
        "I31",
        spoilt("draft", "plan_accepted", '"tzdata":"test"', '"tzdata":"of Draft"'),
        "version 1: first_name of its contact",
        set(),
    ),
}
