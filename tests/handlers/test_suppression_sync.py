"""S8: lists of a provider read from where they were left, opt-outs told to it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from handlers.ports import Lift, ListedAddress, ListsOutOfReach, Suppression, Unpushed
from handlers.suppression_sync import OVERLAP, SuppressionSync

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    at = NOON

    def now(self) -> datetime:
        return self.at


class Lists:
    """Implements SuppressionLists; what is in `broken` fails after its first entry."""

    provider = "sendgrid"

    def __init__(self, **lists: Sequence[str]) -> None:
        self.lists = lists
        self.broken: set[str] = set()
        self.asked: list[tuple[str, datetime | None]] = []
        self.told: list[list[str]] = []

    def entries(self, name: str, since: datetime | None) -> Iterator[ListedAddress]:
        self.asked.append((name, since))
        for address in self.lists.get(name, ()):
            yield ListedAddress(address, NOON - timedelta(days=1))
            if name in self.broken:
                raise ListsOutOfReach("status_500")

    def groups(self) -> Mapping[str, Sequence[ListedAddress]]:
        if "groups" in self.broken:
            raise ListsOutOfReach("status_500")
        return {"17": [ListedAddress(address) for address in self.lists.get("groups", ())]}

    def push(self, addresses: Sequence[str]) -> None:
        if "push" in self.broken:
            raise ListsOutOfReach("status_500")
        self.told.append(list(addresses))


class Book:
    """Implements PullBook."""

    def __init__(self, *waiting: str) -> None:
        self.places: dict[str, datetime] = {}
        self.waiting = [Unpushed(address, address.encode()) for address in waiting]

    def read_to(self, _: str) -> Mapping[str, datetime]:
        return dict(self.places)

    def note(self, _: str, name: str, at: datetime) -> None:
        self.places[name] = at

    def unpushed(self, limit: int) -> list[Unpushed]:
        return self.waiting[:limit]

    def pushed(self, told: Sequence[Unpushed], _: datetime) -> None:
        self.waiting = [one for one in self.waiting if one not in told]


class Bans:
    """Implements Suppressions.add."""

    def __init__(self) -> None:
        self.added: list[Suppression] = []

    def add(self, _: object, bans: Sequence[Suppression]) -> None:
        self.added += bans

    def lift(self, lifts: Sequence[Lift]) -> None:
        raise AssertionError(lifts)

    def banned(self, *_: object) -> set[str]:
        return set()


def run(lists: Lists, book: Book, bans: Bans | None = None) -> tuple[dict[str, int], list[str]]:
    done = SuppressionSync(lists, book, bans or Bans(), Clock()).run()
    return dict(done.read), list(done.failed)


def test_each_list_bans_on_its_own_ground_and_blocks_ban_nobody() -> None:
    lists = Lists(
        bounces=["a"],
        invalid_emails=["b"],
        spam_reports=["c"],
        unsubscribes=["d"],
        blocks=["e", "f"],
        groups=["g"],
    )
    bans = Bans()
    read, failed = run(lists, Book(), bans)
    assert failed == []
    assert read["blocks"] == 2
    assert {ban.address: ban.ground for ban in bans.added} == {
        "a": "bounce",
        "b": "invalid",
        "c": "spamreport",
        "d": "unsubscribe",
        "g": "group:17",
    }
    assert {ban.source for ban in bans.added} == {"sendgrid_list"}
    by_address = {ban.address: ban.at for ban in bans.added}
    assert (by_address["a"], by_address["g"]) == (NOON - timedelta(days=1), NOON)


def test_a_list_is_read_on_from_where_it_was_left_with_an_overlap() -> None:
    lists, book = Lists(), Book()
    run(lists, book)
    assert {since for _, since in lists.asked} == {None}
    lists.asked.clear()
    run(lists, book)
    assert {since for _, since in lists.asked} == {NOON - OVERLAP}


def test_a_list_that_breaks_is_read_from_the_same_place_again_and_stops_no_other() -> None:
    lists, book, bans = Lists(bounces=["a", "b"], unsubscribes=["d"]), Book("x"), Bans()
    lists.broken = {"bounces", "groups"}
    _, failed = run(lists, book, bans)
    assert failed == ["bounces", "groups"]
    assert "bounces" not in book.places
    assert book.places["unsubscribes"] == NOON
    assert lists.told == [["x"]]
    lists.broken = set()
    run(lists, book, bans)
    assert {ban.address for ban in bans.added} == {"a", "b", "d"}


def test_what_the_provider_does_not_take_is_told_again() -> None:
    lists, book = Lists(), Book("x", "y")
    lists.broken = {"push"}
    assert run(lists, book)[1] == ["push"]
    assert len(book.waiting) == 2
    lists.broken = set()
    done = SuppressionSync(lists, book, Bans(), Clock()).run()
    assert (done.pushed, lists.told, book.waiting) == (2, [["x", "y"]], [])
