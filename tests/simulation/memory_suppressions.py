"""Bans on addresses in memory: as infra.vault.suppressions, a row for each ground of an address."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from typing_extensions import override

from domain.taxonomy import Family
from handlers.ports import Lift, Suppression, Suppressions, Transaction
from tests.simulation.memory_database import Memory, Row, Tx, of

BANS = "suppressions"
OF_THE_MAILBOX = ("bounce", "invalid")


class MemorySuppressions(Suppressions):
    """Implements handlers.ports.Suppressions."""

    def __init__(self, memory: Memory, mac: Callable[[str], bytes]) -> None:
        self._memory = memory
        self._mac = mac

    @override
    def add(self, tx: Transaction | None, bans: Sequence[Suppression]) -> None:
        if not bans:
            return
        if tx is None:
            with self._memory.begin() as own:
                self.add(Transaction(own), bans)
            return
        inside = of(tx)
        self._memory.around.step("suppressions.lock", inside)
        keyed = [(mac, ban) for ban in bans for mac in self._about(inside, ban)]
        macs = {mac for mac, _ in keyed}
        gates = [
            key
            for key, row in inside.rows("contacts")
            if not macs.isdisjoint({row["mac"], *row["former"]})
        ]
        for key in sorted(gates, key=str):
            inside.lock("contacts", key)
        self._memory.around.step("suppressions.add", inside)
        for mac, ban in sorted(keyed, key=lambda each: each[1].at):
            self._add(inside, mac, ban)

    def _about(self, tx: Tx, said: Suppression | Lift) -> list[bytes]:
        """Its own address, and all of the contact that said it."""
        row = tx.get("contacts", said.contact_id) if said.contact_id else None
        theirs = {row["mac"], *row["former"]} if row else set()
        return sorted(theirs | ({self._mac(said.address)} if said.address else set()))

    def _add(self, tx: Tx, mac: bytes, ban: Suppression) -> None:
        key = (ban.family, mac, ban.ground or ban.reason)
        tx.lock(BANS, key)
        known = tx.get(BANS, key)
        if known is not None and known["lifted_at"] is not None and ban.at <= known["lifted_at"]:
            return  # old news
        row: Row = {"reason": ban.reason, "expires_at": ban.expires_at, "told_at": ban.at}
        if known is not None and known["lifted_at"] is None:
            ends = (known["expires_at"], ban.expires_at)
            row["reason"] = known["reason"]
            row["expires_at"] = None if None in ends else max(filter(None, ends))
            row["told_at"] = max(known["told_at"], ban.at)
        tx.put(BANS, key, {**row, "lifted_at": None})

    @override
    def lift(self, lifts: Sequence[Lift]) -> None:
        if not lifts:
            return
        with self._memory.begin() as tx:
            self._memory.around.step("suppressions.lift", tx)
            for one in sorted(lifts, key=lambda lift: lift.at):
                for mac in self._about(tx, one):
                    self._lift(tx, mac, one)

    def _lift(self, tx: Tx, mac: bytes, one: Lift) -> None:
        key = (one.family, mac, one.ground)
        known = tx.get(BANS, key)
        if known is None or known["told_at"] <= one.at:
            lifted = {"reason": "lifted", "told_at": one.at, "expires_at": one.at}
            tx.put(BANS, key, {**(known or lifted), "lifted_at": one.at} | {"expires_at": one.at})

    @override
    def banned(self, family: str, addresses: Iterable[str], now: datetime) -> set[str]:
        with self._memory.begin() as tx:
            self._memory.around.step("suppressions.banned", tx)
            return {each for each in addresses if ban_of(tx, family, self._mac(each), now)}


def ban_of(tx: Tx, family: str, mac: bytes, now: datetime) -> str:
    """Why an address must not be written to at this instant; empty: it may."""
    for (of_family, of_mac, _), row in _bans(tx):
        ends = row["expires_at"]
        if (of_family, of_mac) == (family, mac) and (ends is None or ends > now):
            return str(row["reason"])
    return ""


def ban_of_contact(tx: Tx, contact: Row, now: datetime) -> str:
    """The same of a contact: what a person said at an earlier address holds, a bounce does not."""
    earlier = (ban_of(tx, Family.EMAIL, mac, now) for mac in sorted(contact["former"]))
    said = next((why for why in earlier if why and why not in OF_THE_MAILBOX), "")
    return ban_of(tx, Family.EMAIL, contact["mac"], now) or said


def _bans(tx: Tx) -> list[tuple[tuple[str, bytes, str], Row]]:
    return [(key, row) for key, row in tx.rows(BANS)]  # type: ignore[misc]  # keys as put above
