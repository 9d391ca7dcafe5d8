"""What people order while everything else goes on: pauses, stops, bans, another attempt."""

from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from msgspec.structs import replace

from domain import accounts, campaign
from domain.accounts import PauseReason
from domain.errors import CampaignError
from domain.ids import CampaignId, MessageId, StreamId
from domain.taxonomy import Family
from domain.taxonomy import MessageState as State
from handlers import campaigns as use
from handlers.ports import Decide, Suppression, TenantPorts
from tests.simulation.memory_tenant import STORY
from tests.simulation.scenes import SENDER, SET_UP
from tests.simulation.world import World

Act = Callable[[], object]
REASON = "an operator's word"


def acts(world: World, ports: TenantPorts) -> Mapping[str, Act]:
    """Everything that an operator may do now, by its name in `tempers.ACTS`."""
    streams = sorted(world.memory.loaded)
    campaigns = sorted(world.memory.committed_rows("campaigns"), key=str)
    stream = streams[world.choices.pick(len(streams))]
    row: CampaignId = campaigns[world.choices.pick(len(campaigns))]  # type: ignore[assignment]  # their key
    return {
        "resume tenant": lambda: _tenant(ports, paused=False),
        "pause stream": partial(_order, ports, stream, "pause"),
        "resume stream": partial(_order, ports, stream, "resume"),
        "pause campaign": lambda: ports.register.set_status(row, "paused"),
        "resume campaign": partial(_reopen, ports, row),
        "pause tenant": lambda: _tenant(ports, paused=True),
        "suppress": partial(_suppress, world, ports, stream),
        "close circuit": lambda: _close_circuit(ports),
        "stop stream": partial(_order, ports, stream, "stop"),
        "stop campaign": partial(_end, ports, row),
        "resend": partial(_resend, world, ports),
        "move contact": partial(_move, world, stream),
    }


def recover(world: World) -> None:
    """What operators do when the trouble is over: everything that can run, runs."""
    ports = world.ports("operator-1")
    _tenant(ports, paused=False)
    if ports.accounts.account(SENDER).circuit.needs_operator:
        _close_circuit(ports)
    for key in sorted(world.memory.committed_rows("campaigns"), key=str):
        _reopen(ports, key)  # type: ignore[arg-type]  # the key of a campaign
    for stream in sorted(world.memory.loaded):
        _order(ports, stream, "resume")


def _order(ports: TenantPorts, stream: StreamId, what: str) -> None:
    now = ports.clock.now()
    decide: Decide = {
        "pause": use.pause(now, REASON),
        "resume": use.resume(now),
        "stop": use.stop(now, REASON),
    }[what]
    _decided(ports, stream, decide)


def _decided(ports: TenantPorts, stream: StreamId, decide: Decide) -> None:
    try:
        use.order(ports, stream, decide, cause=STORY, correlation=UUID(int=1))
    except CampaignError:
        return  # refused: it is over, or the message is not lost


def _reopen(ports: TenantPorts, campaign_id: CampaignId) -> None:
    row = ports.register.campaign(campaign_id)
    if row is not None and row.status == "paused":
        ports.register.set_status(row.campaign_id, "active")


def _end(ports: TenantPorts, campaign_id: CampaignId) -> None:
    row = ports.register.campaign(campaign_id)
    if row is not None:
        use.end(ports, row, cause=STORY, correlation=UUID(int=2))


def _tenant(ports: TenantPorts, *, paused: bool) -> None:
    now = ports.clock.now()
    if paused:
        pause = partial(accounts.pause_sending, reason=PauseReason.OPERATOR, at=now)
        ports.accounts.order_sending(pause, SET_UP)
    else:
        ports.accounts.order_sending(partial(accounts.resume_sending, at=now), SET_UP)


def _close_circuit(ports: TenantPorts) -> None:
    now, by = ports.clock.now(), accounts.ClosedBy.OPERATOR
    ports.accounts.order(SENDER, partial(accounts.close_circuit, by=by, at=now), SET_UP)


def _suppress(world: World, ports: TenantPorts, stream: StreamId) -> None:
    contact = world.memory.loaded[stream].state.contact_id
    address = world.memory.committed_rows("contacts")[contact]["person"].email
    ban = Suppression(Family.EMAIL, address, "operator", "operator", ports.clock.now())
    ports.suppressions.add(None, [ban])


def _move(world: World, stream: StreamId) -> None:
    """The contact gets an address that nobody had before."""
    contact = world.memory.loaded[stream].state.contact_id
    person = world.memory.committed_rows("contacts")[contact]["person"]
    email = f"moved.{world.memory.position}.{contact.int}@harbor.example"
    world.tenant.vault.put_person(replace(person, email=email, snapshot=person.snapshot + 1))


def _resend(world: World, ports: TenantPorts) -> None:
    """Another attempt of the first message that is taken as lost, or in doubt for long."""
    lost = [
        row
        for row in world.memory.committed_rows("send_queue").values()
        if row["state"] in (State.PRESUMED_LOST, State.UNKNOWN)
    ]
    if lost:
        mid: MessageId = lost[0]["message_id"]
        decide = partial(campaign.resend, message_id=mid, author="operator", at=ports.clock.now())
        _decided(ports, lost[0]["stream_id"], decide)
