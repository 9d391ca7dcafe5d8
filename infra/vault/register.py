"""Campaigns as configured, the plans that were accepted, and who is in which campaign."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

from psycopg.errors import UniqueViolation
from typing_extensions import override

from domain import accounts
from domain.accounts import PauseReason
from domain.ids import CampaignId, ContactId, StreamId, TenantId, schema_of
from domain.recorded import Cause
from domain.taxonomy import CauseKind, HoldReason
from handlers.ports import CampaignRow, LastRun, NewPlan, Register, Sender, Transaction
from handlers.ports.accounts import Why
from infra.accounts import SqlSenderAccounts
from infra.claims.waking import lock_claims, wake
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database

TROUBLE = Why(Cause(CauseKind.WEBHOOK, "account_trouble"), "provider")
WRITTEN = Why(Cause(CauseKind.REQUEST, "put_sender"), "register")


class NameTaken(Exception):
    """The tenant has a campaign of this name already."""


class SqlRegister(Register):
    """The register of one tenant."""

    def __init__(self, database: Database, tenant: TenantId, book: SqlSenderAccounts) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))
        self._accounts = book

    @override
    def campaign(self, campaign_id: CampaignId) -> CampaignRow | None:
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _CAMPAIGN, {"id": campaign_id})
        return _row(rows[0]) if rows else None

    @override
    def campaigns_of(self, ids: Iterable[CampaignId]) -> Mapping[CampaignId, CampaignRow]:
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _CAMPAIGNS, {"ids": list(ids)})
        return {row.campaign_id: row for row in map(_row, rows)}

    def campaign_named(self, name: str) -> CampaignRow | None:
        """A campaign by its name."""
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _NAMED, {"name": name})
        return _row(rows[0]) if rows else None

    def campaigns(self, after: UUID | None, limit: int) -> list[CampaignRow]:
        """Campaigns in the order of their ids."""
        params = {"after": after or UUID(int=0), "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            return [_row(row) for row in self._sql.rows(transaction(curs), _PAGE, params)]

    def add_campaign(self, row: CampaignRow) -> None:
        """Write a new campaign; raises NameTaken."""
        params = {
            "id": row.campaign_id,
            "name": row.name,
            "description": row.description,
            "status": row.status,
            "sender": row.sender,
            "limit": row.daily_limit,
        }
        with self._database.tenant_tx(self._tenant) as curs:
            if not self._sql.run(transaction(curs), _ADD, params):
                raise NameTaken(row.name)

    def change_campaign(self, row: CampaignRow) -> None:
        """Overwrite what people configure of a campaign; raises NameTaken."""
        params = {
            "id": row.campaign_id,
            "name": row.name,
            "description": row.description,
            "sender": row.sender,
            "limit": row.daily_limit,
        }
        with self._database.tenant_tx(self._tenant) as curs:
            try:
                self._sql.run(transaction(curs), _CHANGE, params)
            except UniqueViolation as error:
                raise NameTaken(row.name) from error

    @override
    def set_status(self, campaign_id: CampaignId, status: str) -> None:
        params = {"id": campaign_id, "status": status}
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            lock_claims(self._sql, tx)
            self._sql.run(tx, _SET_STATUS, params)
            if status == "active":
                held = (HoldReason.CAMPAIGN_PAUSED,)
                wake(self._sql, tx, held, self._accounts.now(), campaign=campaign_id)

    @override
    def keep_plans(self, tx: Transaction, plans: Sequence[NewPlan]) -> None:
        if not plans:
            return
        distinct = {plan.plan_hash: plan for plan in plans}
        params = {
            "hashes": sorted(distinct),
            "documents": [distinct[name].document for name in sorted(distinct)],
        }
        self._sql.run(tx, _KEEP_PLANS, params)
        if len(self._sql.rows(tx, _HOLD_PLANS, params)) < len(distinct):
            self._sql.run(tx, _KEEP_PLANS, params)  # an erasure has just taken one away
        reports = {(plan.plan_hash, plan.digest): plan.report for plan in plans}
        told = {
            "hashes": [name for name, _ in sorted(reports)],
            "digests": [digest for _, digest in sorted(reports)],
            "reports": [reports[key] for key in sorted(reports)],
        }
        self._sql.run(tx, _KEEP_REPORTS, told)
        served = sorted({(plan.plan_hash, plan.contact_id) for plan in plans})
        serves = {"hashes": [name for name, _ in served], "contacts": [cid for _, cid in served]}
        self._sql.run(tx, _KEEP_SERVED, serves)

    @override
    def streams(
        self, campaign_id: CampaignId, after: StreamId | None, limit: int
    ) -> list[StreamId]:
        params = {"id": campaign_id, "after": after or UUID(int=0), "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            return [StreamId(row[0]) for row in self._sql.rows(transaction(curs), _STREAMS, params)]

    @override
    def last_runs(
        self, campaign_id: CampaignId, contacts: Iterable[ContactId]
    ) -> Mapping[ContactId, LastRun]:
        params = {"campaign": campaign_id, "contacts": list(contacts)}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _LAST_RUNS, params)
        return {
            ContactId(row[0]): LastRun(row[1], StreamId(row[2]), row[3], row[4]) for row in rows
        }

    @override
    def hold_senders(self) -> None:
        now = self._accounts.now()
        trouble = partial(accounts.pause, reason=PauseReason.ACCOUNT_TROUBLE, at=now)
        self._accounts.adopt()
        self._accounts.order_all(trouble, TROUBLE)

    def put_sender(self, sender: Sender) -> None:
        """Create or overwrite an identity, with an account that is verified and paused as it is."""
        params = {name: getattr(sender, name) for name in sender.__struct_fields__}
        taken_over = partial(
            accounts.take_over,
            sender=sender.sender,
            verified=sender.verified,
            paused=sender.paused,
            at=self._accounts.now(),
        )

        def put(tx: Transaction) -> None:
            # the account first, as every order takes it: no two wait for each other crosswise
            self._accounts.order_in(tx, {sender.sender: taken_over}, WRITTEN)
            self._sql.run(tx, _PUT_SENDER, params)

        self._accounts.together(put)


def _row(row: Row) -> CampaignRow:
    return CampaignRow(
        campaign_id=CampaignId(row[0]),
        name=row[1],
        description=row[2],
        status=row[3],
        sender=row[4],
        daily_limit=row[5],
        created_at=row[6],
    )


_CAMPAIGN = """
SELECT campaign_id, name, description, status, sender, daily_limit, created_at
  FROM {s}.campaigns WHERE campaign_id = %(id)s
"""

_CAMPAIGNS = """
SELECT campaign_id, name, description, status, sender, daily_limit, created_at
  FROM {s}.campaigns WHERE campaign_id = ANY(%(ids)s)
"""

_NAMED = """
SELECT campaign_id, name, description, status, sender, daily_limit, created_at
  FROM {s}.campaigns WHERE name = %(name)s
"""

_PAGE = """
SELECT campaign_id, name, description, status, sender, daily_limit, created_at
  FROM {s}.campaigns WHERE campaign_id > %(after)s ORDER BY campaign_id LIMIT %(limit)s
"""

_ADD = """
INSERT INTO {s}.campaigns (campaign_id, name, description, status, sender, daily_limit)
VALUES (%(id)s, %(name)s, %(description)s, %(status)s, %(sender)s, %(limit)s)
ON CONFLICT (name) DO NOTHING
"""

_SET_STATUS = """
UPDATE {s}.campaigns SET status = %(status)s, updated_at = now() WHERE campaign_id = %(id)s
"""

_CHANGE = """
UPDATE {s}.campaigns SET name = %(name)s, description = %(description)s, sender = %(sender)s,
       daily_limit = %(limit)s, updated_at = now()
 WHERE campaign_id = %(id)s
"""

_KEEP_PLANS = """
INSERT INTO {s}.plans (plan_hash, document)
SELECT * FROM unnest(%(hashes)s::text[], %(documents)s::bytea[])
ON CONFLICT (plan_hash) DO NOTHING
"""

# An erasure deletes plans that serve nobody, and sees whom they serve only after our commit.
_HOLD_PLANS = """
SELECT 1 FROM {s}.plans WHERE plan_hash = ANY(%(hashes)s::text[])
 ORDER BY plan_hash FOR KEY SHARE
"""

_KEEP_REPORTS = """
INSERT INTO {s}.plan_reports (plan_hash, digest, report)
SELECT * FROM unnest(%(hashes)s::text[], %(digests)s::text[], %(reports)s::bytea[])
ON CONFLICT DO NOTHING
"""

_KEEP_SERVED = """
INSERT INTO {s}.plan_contacts (plan_hash, contact_id)
SELECT * FROM unnest(%(hashes)s::text[], %(contacts)s::uuid[])
ON CONFLICT DO NOTHING
"""

_STREAMS = """
SELECT stream_id FROM {s}.streams WHERE campaign_id = %(id)s AND stream_id > %(after)s
 ORDER BY stream_id LIMIT %(limit)s
"""

_LAST_RUNS = """
SELECT DISTINCT ON (s.contact_id) s.contact_id, s.run, s.stream_id, s.plan_hash, c.ended_at
  FROM {s}.streams s LEFT JOIN {s}.contact_campaigns c USING (stream_id)
 WHERE s.campaign_id = %(campaign)s AND s.contact_id = ANY(%(contacts)s)
 ORDER BY s.contact_id, s.run DESC
"""

# What pauses the account pauses the identity: it may be more than what was written here.
_PUT_SENDER = """
INSERT INTO {s}.senders (sender, from_email, from_name, first_name, calendar_url, reply_domain,
                         postal_address, verified, paused)
VALUES (%(sender)s, %(from_email)s, %(from_name)s, %(first_name)s, %(calendar_url)s,
        %(reply_domain)s, %(postal_address)s, %(verified)s,
        (SELECT a.paused IS NOT NULL FROM {s}.sender_accounts a WHERE a.sender = %(sender)s))
ON CONFLICT (sender) DO UPDATE SET from_email = excluded.from_email,
       from_name = excluded.from_name, first_name = excluded.first_name,
       calendar_url = excluded.calendar_url, reply_domain = excluded.reply_domain,
       postal_address = excluded.postal_address, verified = excluded.verified,
       paused = excluded.paused
"""
