"""Sender accounts of a tenant in PostgreSQL: their log, their rows, the numbers they go by."""

from infra.accounts.book import SqlSenderAccounts
from infra.accounts.deliverability import SqlDeliverability

__all__ = ["SqlDeliverability", "SqlSenderAccounts"]
