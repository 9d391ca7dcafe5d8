"""Codes of stage 4 on what is said and to whom: messages, templates, identity."""

from plans.catalogue.entry import entry, example
from plans.catalogue.sample import (
    add,
    mail,
    plan,
    reached_by,
    remove,
    replace,
    text_message,
    without,
)

_MESSAGE = "/nodes/0/message"
_TEXT = "/nodes/0/message/text"
_CHANNEL = "/nodes/0/channel"
_SUBJECT = "Dock times at {{ company.name }}"
_SMS = "Hi {{ contact.first_name }}, worth a call? Text STOP to opt out."
_BY_MAIL = (replace(_CHANNEL, "email"), add(f"{_MESSAGE}/subject", _SUBJECT))
_GREETING = "Hi {{ contact.first_name }}, we both know how much time dock slots take."
_LONG = _GREETING + " Or is that another team's business at your place?" * 5


def _variant(name: str, subject: str) -> dict[str, object]:
    return {"id": name, "message": {"subject": subject, "text": "Worth a call?"}}


_TWICE = [_variant("a", "Dock times"), _variant("a", "A day a week")]
_TWO = [_variant("a", "Dock times"), _variant("b", "A day a week")]


ENTRIES = (
    entry(
        "E_MESSAGE_MISSING",
        "/nodes/i",
        "A send node has something to send, or it is another kind of node.",
        example(
            plan(mail(message=None)),
            "/nodes/0",
            add(_MESSAGE, {"subject": _SUBJECT, "text": "Worth a call?"}),
            "/nodes/0",
        ),
    ),
    entry(
        "E_MESSAGE_AND_VARIANTS",
        "/nodes/i",
        "With both it is not said which one a contact gets.",
        example(
            plan(mail(variants=_TWO)),
            "/nodes/0",
            remove(_MESSAGE),
            (_MESSAGE, "/nodes/0/variants"),
        ),
    ),
    entry(
        "E_MESSAGE_FIELD",
        "/nodes/i/message or /nodes/i/variants/k/message for what is missing; .../subject or "
        ".../html for what is not allowed",
        "Only email has subjects and HTML, and a message without content is not worth sending.",
        example(
            plan(text_message("linkedin_message", "Worth a call?", subject="Dock times")),
            f"{_MESSAGE}/subject",
            remove(f"{_MESSAGE}/subject"),
            (_CHANNEL, _MESSAGE),
        ),
        example(
            plan(mail(message={"text": "Worth a call?"})),
            _MESSAGE,
            add(f"{_MESSAGE}/subject", _SUBJECT),
            _MESSAGE,
            note="The first mail to somebody has a subject; a later one may `replyTo` it instead.",
        ),
    ),
    entry(
        "E_MESSAGE_TOO_LONG",
        ".../text",
        "The channel would refuse it or cut it off: sms 480 characters of the template, "
        "linkedin_invite 300, linkedin_message 1900.",
        example(
            plan(
                text_message(
                    "linkedin_invite",
                    _LONG,
                    {"on": "invite_accepted", "to": "end"},
                    {"on": "timeout", "after": "P14D", "to": "end"},
                )
            ),
            _TEXT,
            replace(_TEXT, _GREETING),
            (_CHANNEL, _MESSAGE),
        ),
    ),
    entry(
        "E_VARIANT_ID",
        "/nodes/i/variants, /nodes/i/arms",
        "The log says by its id which variant was drawn.",
        example(
            plan(mail(message=None, variants=_TWICE)),
            "/nodes/0/variants",
            replace("/nodes/0/variants", _TWO),
            "/nodes/0/variants",
        ),
    ),
    entry(
        "E_NO_IDENTITY",
        "/nodes/i/channel",
        "There is no address to send to, so the plan could only end as undeliverable.",
        example(
            plan(text_message("sms", _SMS)),
            _CHANNEL,
            _BY_MAIL,
            (_CHANNEL, _MESSAGE),
            note="This contact has no telephone number.",
            context=without("sms"),
        ),
    ),
    entry(
        "E_SUPPRESSED",
        "/nodes/i/channel",
        "Whoever opted out, bounced or complained is not written to at that address again.",
        example(
            plan(text_message("linkedin_message", "Worth a call?")),
            _CHANNEL,
            _BY_MAIL,
            (_CHANNEL, _MESSAGE),
            note="This contact has opted out on LinkedIn.",
            context=reached_by(
                "linkedin",
                address="https://www.linkedin.com/in/example",
                suppressed="opt_out 2026-08-01",
            ),
        ),
    ),
    entry(
        "E_SMS_CONSENT",
        "/nodes/i/channel",
        "An SMS may be sent only to somebody whose consent is on record.",
        example(
            plan(text_message("sms", _SMS)),
            _CHANNEL,
            _BY_MAIL,
            (_CHANNEL, _MESSAGE),
            note="This contact has a telephone number, but has not consented to SMS.",
            context=reached_by("sms", address="+14155550100"),
        ),
    ),
    entry(
        "E_TEMPLATE_SYNTAX",
        "the message field",
        "It cannot be rendered, and its markup must not reach anybody.",
        example(
            plan(
                mail(message={"subject": "Dock times", "text": "Hi {{ contact.first_name }, ok?"})
            ),
            _TEXT,
            replace(_TEXT, "Hi {{ contact.first_name }}, ok?"),
            _TEXT,
        ),
    ),
    entry(
        "E_TEMPLATE_UNRESOLVED",
        "the message field",
        "This contact has no such variable, and a mail to 'Hi ,' is worse than none.",
        example(
            plan(
                mail(message={"subject": "Dock times", "text": "Hi {{ contact.firstname }}, ok?"})
            ),
            _TEXT,
            replace(_TEXT, "Hi {{ contact.first_name }}, ok?"),
            _TEXT,
        ),
        example(
            plan(
                mail(message={"subject": "Dock times", "text": "Still busy in {{ contact.city }}?"})
            ),
            _TEXT,
            replace(_TEXT, "Still busy in {{ contact.city | default: 'town' }}?"),
            _TEXT,
            note="A default serves where a value is known of some contacts only.",
        ),
    ),
    entry(
        "E_PLACEHOLDER",
        "the message field, for its first placeholder",
        "What was left for somebody to fill in would be sent as it stands.",
        example(
            plan(mail(message={"subject": "Dock times", "text": "Hi [First Name], ok?"})),
            _TEXT,
            replace(_TEXT, "Hi {{ contact.first_name }}, ok?"),
            _TEXT,
        ),
    ),
)
