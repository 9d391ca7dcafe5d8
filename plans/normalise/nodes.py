"""Rules of the normaliser for nodes, transitions and event words."""

import re
from collections.abc import Callable, Mapping

from plans.normalise.fields import JsonObject, drop, is_twice, objects, parse_text, rename
from plans.normalise.notebook import Notebook, Parts
from plans.schema.scalars import SYNTHETIC, is_event

Rule = Callable[[JsonObject, Parts, Notebook], None]

_FLAT = ("subject", "html", "text", "preheader", "replyTo")
_PAYLOAD = frozenset((*_FLAT, "body"))
_SCHEDULED = ("delay", "sendAt", "businessDays")
_TAG = re.compile(r"<[A-Za-z!/][^<>]*>")
_ZERO = ("PT0S", "PT0M", "P0D")
_EVENT_ALIASES = {
    "open": "opened",
    "click": "clicked",
    "reply": "replied",
    "response": "replied",
    "message_received": "replied",
    "bounce": "bounced",
    "dropped": "bounced",
    "blocked": "deferred",
    "spamreport": "spam_reported",
    "spam_report": "spam_reported",
    "spam": "spam_reported",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "optout": "unsubscribed",
    "accepted": "invite_accepted",
    "connection_accepted": "invite_accepted",
    "delivery": "delivered",
    "processed": "sent",
    "task_completed": "task_done",
    "noopen": "no_open",
    "not_opened": "no_open",
    "noclick": "no_click",
    "not_clicked": "no_click",
    "noreply": "no_reply",
    "elapsed": "timeout",
    "timer": "timeout",
}
_WAY_ALIASES = (("event", "on"), ("target", "to"), ("goto", "to"))
_ALIASES = frozenset(old for old, _ in _WAY_ALIASES)
_TYPE_ALIASES: Mapping[str, Mapping[str, str]] = {
    "end": {"type": "stop"},
    "exit": {"type": "stop"},
    "email": {"type": "send", "channel": "email"},
    "sms": {"type": "send", "channel": "sms"},
}


def rewrite_node(node: JsonObject, at: Parts, notes: Notebook) -> None:
    """Apply the rules of the node's type, then those of its transitions."""
    if node.get("channel") == "none":
        del node["channel"]
    _type(node, at, notes)
    kind = node.get("type")
    for rule in _RULES.get(kind, ()) if isinstance(kind, str) else ():
        rule(node, at, notes)
    for place, transition in objects(node, "transitions", at):
        _transition(transition, place, notes)


def _type(node: JsonObject, at: Parts, notes: Notebook) -> None:
    if "type" not in node and isinstance(node.get("action"), str):
        node["type"] = node.pop("action")
        notes.add("action_is_type", (*at, "type"))
    if "action" in node:
        _drop_equal_action(node, at, notes)
    kind = node.get("type")
    meant = _TYPE_ALIASES.get(kind) if isinstance(kind, str) else None
    channel = node.get("channel")
    if meant and channel in (None, meant.get("channel", channel)):
        node.update(meant)
        notes.add("type_alias", (*at, "type"))
        _drop_equal_action(node, at, notes)


def _drop_equal_action(node: JsonObject, at: Parts, notes: Notebook) -> None:
    if "action" in node and node["action"] == node.get("type"):
        drop(node, at, ("action",), "duplicate_dropped", notes)


def _default_channel(node: JsonObject, at: Parts, notes: Notebook) -> None:
    if "channel" not in node:
        node["channel"] = "email"
        notes.add("channel_defaulted_email", (*at, "channel"))


def _move_to_schedule(node: JsonObject, at: Parts, notes: Notebook) -> None:
    for key in _SCHEDULED:
        if key not in node or is_twice(node, key):
            continue
        schedule = node.get("schedule", {})
        if isinstance(schedule, dict) and key not in schedule:
            node["schedule"] = {**schedule, key: node.pop(key)}
            notes.moved((*at, key), (*at, "schedule", key))
            notes.add("key_moved", (*at, "schedule", key))


def _nest_payload(node: JsonObject, at: Parts, notes: Notebook) -> None:
    message = node.get("message", {})
    if not isinstance(message, dict) or _PAYLOAD.isdisjoint(node):
        return
    if node.get("body") == "":
        del node["body"]
    nested = dict(message)
    for key in (*_FLAT, "body"):
        if key not in node or is_twice(node, key):
            continue
        name = _body_field(node.get("body")) if key == "body" else key
        if name is not None and name not in nested:
            nested[name] = node.pop(key)
            notes.moved((*at, key), (*at, "message", name))
    if len(nested) > len(message):
        node["message"] = nested
        notes.add("flat_payload_nested", (*at, "message"))


def _body_field(body: object) -> str | None:
    if not isinstance(body, str):
        return None
    return "html" if _TAG.search(body) else "text"


def _next_is_sent(node: JsonObject, at: Parts, notes: Notebook) -> None:
    if isinstance(node.get("next"), str) and isinstance(node.get("transitions", []), list):
        _append(node, at, {"on": "sent", "to": node.pop("next")})
        notes.add("next_sugar", (*at, "transitions", len(node["transitions"]) - 1))


def _duration_is_timeout(node: JsonObject, at: Parts, notes: Notebook) -> None:
    sugar = isinstance(node.get("duration"), str) and isinstance(node.get("next"), str)
    if sugar and isinstance(node.get("transitions", []), list):
        after, to = node.pop("duration"), node.pop("next")
        _append(node, at, {"on": "timeout", "after": after, "to": to})
        notes.add("duration_next_sugar", (*at, "transitions", len(node["transitions"]) - 1))


def _append(node: JsonObject, _: Parts, transition: JsonObject) -> None:
    node["transitions"] = [*node.get("transitions", []), transition]


def _ignore_on_wait(node: JsonObject, at: Parts, notes: Notebook) -> None:
    ignored = ("channel", "delay", "sendAt", "outcome", "subject")
    drop(node, at, ignored, "ignored_on_wait", notes)


def _ignore_on_stop(node: JsonObject, at: Parts, notes: Notebook) -> None:
    drop(node, at, ("channel",), "ignored_on_stop", notes)


def _ignore_on_task(node: JsonObject, at: Parts, notes: Notebook) -> None:
    drop(node, at, ("channel",), "ignored_on_task", notes)


def _text_is_title(node: JsonObject, at: Parts, notes: Notebook) -> None:
    rename(node, at, ("text", "title"), notes)


def _parse_body(node: JsonObject, at: Parts, notes: Notebook) -> None:
    parse_text(node, at, "body", notes)


def _drop_empty_transitions(node: JsonObject, at: Parts, notes: Notebook) -> None:
    if node.get("transitions") == []:
        drop(node, at, ("transitions",), "empty_dropped", notes)


_RULES: Mapping[str, tuple[Rule, ...]] = {
    "send": (_default_channel, _move_to_schedule, _nest_payload, _next_is_sent),
    "wait": (_ignore_on_wait, _duration_is_timeout),
    "task": (_ignore_on_task, _text_is_title),
    "stop": (_ignore_on_stop, _drop_empty_transitions),
    "branch": (_drop_empty_transitions,),
    "split": (_drop_empty_transitions,),
    "update": (_drop_empty_transitions,),
    "notify": (_drop_empty_transitions,),
    "webhook": (_drop_empty_transitions, _parse_body),
}


def _transition(transition: JsonObject, at: Parts, notes: Notebook) -> None:
    if not _ALIASES.isdisjoint(transition):
        for names in _WAY_ALIASES:
            rename(transition, at, names, notes)
    rewrite_event(transition, at, notes)
    event = transition.get("on")
    if not is_event(event):
        return
    if event in SYNTHETIC:
        if "within" in transition and "after" not in transition:
            transition["after"] = transition.pop("within")
            notes.add("within_means_after_on_synthetic", (*at, "after"))
    elif transition.get("after") in _ZERO:
        drop(transition, at, ("after",), "zero_after_dropped", notes)


def rewrite_event(owner: JsonObject, at: Parts, notes: Notebook) -> None:
    """Replace an alias in `on` by the word of section 3."""
    word = owner.get("on")
    # other alphabets have letters that become ours in lower case
    meant = _EVENT_ALIASES.get(word.lower()) if isinstance(word, str) and word.isascii() else None
    if meant:
        owner["on"] = meant
        notes.add("event_alias", (*at, "on"))
