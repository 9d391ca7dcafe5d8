"""Identifiers and the ids that are derived from others, so that a replay draws nothing."""

from typing import NewType
from uuid import UUID, uuid5

TenantId = NewType("TenantId", str)
"""Name of a tenant; its schema is `t_` and this name."""
ContactId = NewType("ContactId", UUID)
CampaignId = NewType("CampaignId", UUID)
StreamId = NewType("StreamId", UUID)
"""One contact in one campaign, one run: the id of a contact-campaign."""
MessageId = NewType("MessageId", UUID)
TimerId = NewType("TimerId", UUID)
ErrandId = NewType("ErrandId", UUID)
"""What a node asks of others: a task, a call of an endpoint, a change of data, a notice."""
NodeId = NewType("NodeId", str)

_SCHEMA = "t_"
_STREAMS = UUID("6f1c6f0e-2f0a-5d57-9d5e-0c9a1c1b7a01")


def schema_of(tenant: TenantId) -> str:
    """Name of the schema that holds all of a tenant."""
    return f"{_SCHEMA}{tenant}"


def tenant_of(schema: str) -> TenantId:
    """Whose schema it is."""
    return TenantId(schema.removeprefix(_SCHEMA))


def stream_id(tenant: TenantId, campaign: CampaignId, contact: ContactId, run: int) -> StreamId:
    """The stream of a contact in a campaign; the same enrolment always has the same id."""
    return StreamId(uuid5(_STREAMS, f"{schema_of(tenant)}:{campaign}:{contact}:{run}"))


def message_id(stream: StreamId, node: NodeId, visit: int) -> MessageId:
    """The one message of one visit of a send node."""
    return MessageId(uuid5(stream, f"message:{node}:{visit}"))


def timer_id(stream: StreamId, node: NodeId, visit: int, index: int) -> TimerId:
    """The timer of one transition in one visit; index -1 is the end of the campaign's duration."""
    return TimerId(uuid5(stream, f"timer:{node}:{visit}:{index}"))


def errand_id(stream: StreamId, node: NodeId, visit: int) -> ErrandId:
    """The one errand of one visit of a task, webhook, update or notify node."""
    return ErrandId(uuid5(stream, f"errand:{node}:{visit}"))


def subject_key(tenant: TenantId, contact: ContactId, campaign: CampaignId) -> str:
    """Who in what: the head of every dedupe key and of every draw (plan-dsl.md A17, 7.4)."""
    return f"{schema_of(tenant)}:{contact}:{campaign}"


def dedupe_key(subject: str, node: NodeId, channel: str, run: int, visit: int) -> str:
    """A17: tenant:contact:campaign:node:channel, and run and visit unless they are the first."""
    tail = "" if (run, visit) == (1, 1) else f":{run}.{visit}"
    return f"{subject}:{node}:{channel}{tail}"
