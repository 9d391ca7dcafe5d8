"""SendGrid: sends by Mail Send, reads the Event Webhook and Inbound Parse."""

from infra.providers.sendgrid.inbound import SendGridInbound
from infra.providers.sendgrid.sender import SendGridProvider
from infra.providers.sendgrid.webhook import SendGridWebhook

__all__ = ["SendGridInbound", "SendGridProvider", "SendGridWebhook"]
