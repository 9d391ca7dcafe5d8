"""SendGrid: sends by Mail Send, reads the Event Webhook and Inbound Parse."""
