"""The JSON of one Mail Send request: one personalization, one recipient, our marks."""

from typing import Any

from handlers.ports import Mail
from infra.providers.sendgrid import marks

Json = dict[str, Any]


def mail_send(mail: Mail, *, attempt: int, tenant_tag: str, open_tracking: bool) -> Json:
    """What is posted for one attempt of a mail; the same arguments always give the same request."""
    return {
        "personalizations": [{"to": [_mailbox(mail.to_email, mail.to_name)]}],
        "from": _mailbox(mail.from_email, mail.from_name),
        "reply_to": {"email": mail.reply_to},
        "subject": mail.subject,
        "content": _content(mail),
        "headers": {
            **mail.headers,
            "Message-ID": marks.message_id_header(
                mail.message_id, attempt=attempt, sender_domain=mail.sender_domain
            ),
        },
        "custom_args": marks.custom_args(mail.message_id, attempt=attempt, tenant_tag=tenant_tag),
        "tracking_settings": {
            # Links and the opt-out are ours already; rewritten a second time they would break.
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": open_tracking},
            "subscription_tracking": {"enable": False},
        },
    }


def _mailbox(email: str, name: str) -> Json:
    return {"email": email, "name": name} if name else {"email": email}


def _content(mail: Mail) -> list[Json]:
    plain = {"type": "text/plain", "value": mail.text}
    if mail.html is None:
        return [plain]
    return [plain, {"type": "text/html", "value": mail.html}]
