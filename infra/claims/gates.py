"""What the gates of a claim look at, in one statement for all its messages."""

from collections.abc import Callable

from domain.accounts import AccountSettings, Profile
from domain.ids import CampaignId, ContactId, MessageId, StreamId
from handlers.ports import AccountRow, Due, Recipient
from infra.statements import Row

UNCHECKED = "unchecked"


def due_of(row: Row, domain_key: Callable[[str], str], unchecked_is: str) -> Due:
    """One row of DUE; `unchecked_is` is what an address is taken for that nobody has looked at."""
    domain = (row[8] or "").rpartition("@")[2].strip().lower()
    recipient = Recipient(
        contact_id=ContactId(row[3]),
        known=row[7],
        reachable=row[8] is not None,
        suppressed=row[9] or "",
        address=unchecked_is if row[10] in (None, UNCHECKED) else row[10],
        country=row[11] or "",
        subscriber=row[12] or "",
        consent=row[13] or "",
        consent_until=row[14],
        zone=row[15] or "",
        domain=domain,
        domain_key=domain_key(domain) if domain else "",
        identities=tuple(bytes(mac) for mac in (row[16], row[17]) if mac is not None),
        contacted_at=row[18],
        contacted_by=CampaignId(row[19]) if row[19] else None,
        touched_at=row[20],
    )
    return Due(
        message_id=MessageId(row[0]),
        stream=StreamId(row[1]),
        campaign_id=CampaignId(row[2]),
        hold_reason=row[4],
        campaign_status=row[5],
        campaign_day_max=row[6],
        recipient=recipient,
        sender=row[21] or "",
        account=_account(row[22:38]) if row[22] else None,
        probing=bool(row[38]),
        rendered=row[39],
        readdressed=row[40],
        opt_out=row[41],
        postal_address=row[42],
    )


def _account(row: Row) -> AccountRow:
    return AccountRow(
        sender=row[0],
        deleted=row[1],
        verified=row[2],
        paused=row[3] or "",
        connected=row[4],
        away_until=row[5],
        settings=AccountSettings(
            profile=Profile(row[6]),
            zone=row[7],
            rotation_set=row[8],
            minute_max=row[9],
            hour_max=row[10],
            day_max=row[11],
        ),
        health=row[12],
        warmup_max=row[13],
        circuit_until=row[14],
        circuit_needs_operator=row[15],
    )


# Who closes a gate updates the gate row first and the message rows after it, with SKIP LOCKED; so a
# row whose gate is being changed now stays queued, the claim never waits, and no lock cycle exists.
_LOCKED = """
WITH head AS MATERIALIZED (
    SELECT * FROM {s}.send_queue WHERE state = 'QUEUED' AND not_before <= %(now)s
     ORDER BY not_before, message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), gate_contacts AS MATERIALIZED (
    SELECT * FROM {s}.contacts
     WHERE contact_id = ANY(ARRAY(SELECT contact_id FROM head)) FOR SHARE SKIP LOCKED
), gate_campaigns AS MATERIALIZED (
    SELECT * FROM {s}.campaigns
     WHERE campaign_id = ANY(ARRAY(SELECT campaign_id FROM head)) FOR SHARE SKIP LOCKED
), gate_accounts AS MATERIALIZED (
    SELECT * FROM {s}.sender_accounts
     WHERE sender = ANY(ARRAY(SELECT coalesce(nullif(h.sender, ''), g.sender)
                                FROM head h JOIN gate_campaigns g USING (campaign_id)))
       FOR SHARE SKIP LOCKED
)
"""

_UNLOCKED = """
WITH head AS (SELECT * FROM {s}.send_queue WHERE message_id = %(id)s),
     gate_contacts AS (SELECT * FROM {s}.contacts),
     gate_campaigns AS (SELECT * FROM {s}.campaigns),
     gate_accounts AS (SELECT * FROM {s}.sender_accounts)
"""

# A bounce tells something of a mailbox; every other ban was said by the person, or about them, and
# goes with them to the address of now: here and in FRESH.
_SEEN = """
SELECT h.message_id, h.stream_id, h.campaign_id, h.contact_id, h.hold_reason,
       g.status, g.daily_limit,
       c.contact_id IS NOT NULL, c.email,
       (SELECT b.reason FROM {s}.suppressions b
         WHERE b.family = 'email' AND b.address_hmac = ANY(ARRAY[c.email_hmac] || f.macs)
           AND (b.address_hmac = c.email_hmac OR b.reason NOT IN ('bounce', 'invalid'))
           AND (b.expires_at IS NULL OR b.expires_at > %(now)s) LIMIT 1),
       (SELECT v.verdict FROM {s}.address_checks v WHERE v.address_hmac = c.email_hmac),
       c.country, c.subscriber, c.consent_ground, c.consent_expires_at, c.timezone,
       c.email_hmac, c.linkedin_hmac,
       o.elsewhere_at, o.elsewhere, o.touched_at,
       coalesce(nullif(h.sender, ''), g.sender), a.sender, a.deleted, a.verified, a.paused,
       a.connected, a.away_until, a.profile, a.zone, a.rotation_set, a.minute_max, a.hour_max,
       a.day_max, a.health, a.warmup_max, a.circuit_until, a.circuit_needs_operator,
       a.circuit = 'open' AND EXISTS (SELECT FROM {s}.send_queue p
                                       WHERE p.state = 'SENDING' AND p.sender = a.sender),
       b.message_id IS NOT NULL AND h.body_mac IS NOT NULL,
       b.message_id IS NOT NULL AND b.to_email IS DISTINCT FROM c.email, coalesce(b.opt_out, false),
       coalesce(d.postal_address, '') <> ''
  FROM head h JOIN gate_campaigns g USING (campaign_id)
  LEFT JOIN gate_contacts c USING (contact_id)
  LEFT JOIN gate_accounts a ON a.sender = coalesce(nullif(h.sender, ''), g.sender)
  LEFT JOIN {s}.senders d ON d.sender = coalesce(nullif(h.sender, ''), g.sender)
  LEFT JOIN {s}.bodies b ON b.message_id = h.message_id
  LEFT JOIN LATERAL (SELECT array_agg(email_hmac) AS macs FROM {s}.former_addresses
                      WHERE contact_id = c.contact_id) AS f ON true
  LEFT JOIN LATERAL (
    SELECT max(w.at) AS touched_at, max(w.at) FILTER (WHERE w.other) AS elsewhere_at,
           (array_agg(w.campaign_id ORDER BY w.at DESC) FILTER (WHERE w.other))[1] AS elsewhere
      FROM (SELECT x.at, x.campaign_id,
                   (x.campaign_id, x.contact_id) <> (h.campaign_id, h.contact_id) AS other
              FROM {s}.outreach x
             WHERE x.identity = ANY(ARRAY[c.email_hmac, c.linkedin_hmac] || f.macs)) AS w
  ) AS o ON true
 WHERE (c.contact_id IS NOT NULL
        OR NOT EXISTS (SELECT FROM {s}.contacts x WHERE x.contact_id = h.contact_id))
   AND (a.sender IS NOT NULL
        OR NOT EXISTS (SELECT FROM {s}.sender_accounts x
                        WHERE x.sender = coalesce(nullif(h.sender, ''), g.sender)))
 ORDER BY h.not_before, h.message_id
"""

DUE = _LOCKED + _SEEN
LOOK = _UNLOCKED + _SEEN
"""The same of one message, for people who ask; nothing is locked."""

FRESH = """
SELECT q.message_id FROM {s}.send_queue q
  JOIN unnest(%(ids)b::uuid[], %(attempts)b::integer[]) AS u (id, attempt)
    ON q.message_id = u.id AND q.attempt = u.attempt
  JOIN {s}.campaigns g USING (campaign_id)
  JOIN {s}.contacts c USING (contact_id)
  JOIN {s}.bodies b ON b.message_id = q.message_id AND b.to_email = c.email
  JOIN {s}.sender_accounts a ON a.sender = coalesce(nullif(q.sender, ''), g.sender)
 CROSS JOIN {s}.sending_rules r
 WHERE CASE WHEN q.state = 'SENDING' AND q.claim = %(claim)s THEN true END
   AND q.since > clock_timestamp() - make_interval(secs => %(guard)s)
   AND g.status = 'active' AND r.paused IS NULL
   AND a.paused IS NULL AND a.connected AND NOT a.deleted AND a.verified
   AND NOT a.circuit_needs_operator AND coalesce(a.circuit_until <= %(now)s, true)
   AND NOT EXISTS (SELECT FROM {s}.suppressions b
                    WHERE b.family = 'email'
                      AND b.address_hmac = ANY(ARRAY[c.email_hmac]
                          || ARRAY(SELECT email_hmac FROM {s}.former_addresses
                                    WHERE contact_id = c.contact_id))
                      AND (b.address_hmac = c.email_hmac OR b.reason NOT IN ('bounce', 'invalid'))
                      AND (b.expires_at IS NULL OR b.expires_at > %(now)s))
   AND NOT EXISTS (SELECT FROM {s}.events e
                    WHERE e.originator_id = q.stream_id AND e.topic IN ('paused', 'exited')
                      AND e.originator_version > (
                          SELECT max(a.originator_version) FROM {s}.events a
                           WHERE a.originator_id = q.stream_id
                             AND a.topic = 'send_attempt_started'))
"""
