"""Bans by their ground: what sets one lifts it, in whatever order it is heard of."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from domain.recorded import Cause
from domain.taxonomy import CauseKind, Family
from handlers.ports import Lift, Suppression
from infra.vault import SqlSuppressions
from infra.vault.pulls import SqlPullBook
from tests.stories.house import MONDAY, House

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ADA = "ada@harbor.example"
GROUP, OTHER = "group:17", "group:18"


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def ban(
    hours: float, ground: str = GROUP, *, address: str = ADA, until: datetime | None = None
) -> Suppression:
    return Suppression(Family.EMAIL, address, "told", "test", at(hours), ground, until)


def lift(hours: float, ground: str = GROUP, address: str = ADA) -> Lift:
    return Lift(Family.EMAIL, address, ground, at(hours))


def listed(house: House) -> SqlSuppressions:
    found = house.ports.suppressions
    assert isinstance(found, SqlSuppressions)
    return found


def told(house: House, steps: Sequence[Suppression | Lift]) -> None:
    for step in steps:
        if isinstance(step, Lift):
            listed(house).lift([step])
        else:
            listed(house).add(None, [step])


def holds(house: House, hours: float = 99, address: str = ADA) -> bool:
    """Asked in both ways that there are."""
    found = listed(house).holds(Family.EMAIL, address, at(hours))
    assert found == (address in listed(house).banned(Family.EMAIL, [address], at(hours)))
    return found


def test_who_comes_back_to_a_group_is_free_as_far_as_that_group_goes(house: House) -> None:
    told(house, [ban(1), ban(1, OTHER), ban(1, "manual")])
    told(house, [lift(2)])
    assert holds(house)
    told(house, [lift(2, OTHER)])
    assert holds(house), "what an operator set no group lifts"
    assert listed(house).remove(Family.EMAIL, ADA, at(3))
    assert not holds(house)


def test_a_group_that_nobody_left_lifts_nothing(house: House) -> None:
    told(house, [ban(1, "manual"), lift(2), lift(2, "manual-not")])
    assert holds(house)


@pytest.mark.parametrize(
    ("steps", "held"),
    [
        ((ban(1), lift(2)), False),
        ((ban(1), lift(2), ban(3)), True),
        ((ban(1), lift(2), ban(3), lift(4)), False),
        ((ban(1), ban(3), lift(2)), True),
    ],
)
def test_the_order_in_which_news_arrive_does_not_matter(
    house: House, steps: tuple[Suppression | Lift, ...], *, held: bool
) -> None:
    for number, order in enumerate(permutations(steps)):
        address = f"person{number}@harbor.example"
        own = [
            Lift(one.family, address, one.ground, one.at)
            if isinstance(one, Lift)
            else Suppression(one.family, address, one.reason, one.source, one.at, one.ground)
            for one in order
        ]
        told(house, own)
        assert holds(house, address=address) == held, order
        told(house, own[:1])
        assert holds(house, address=address) == held, "the same news again is no news"


def test_news_of_one_batch_are_as_news_one_by_one(house: House) -> None:
    told(house, [lift(2)])
    listed(house).add(None, [ban(1), ban(3), ban(1)])
    assert holds(house)
    told(house, [lift(4)])
    assert not holds(house)


def test_a_ban_with_an_end_bans_until_then(house: House) -> None:
    told(house, [ban(1, "complaint", until=at(10))])
    assert [holds(house, hours) for hours in (9.9, 10, 11)] == [True, False, False]
    told(house, [ban(2, "complaint", until=at(5))])
    assert holds(house, 9.9), "a shorter one takes nothing away"
    told(house, [ban(2, "complaint", until=at(20))])
    assert holds(house, 19)
    told(house, [ban(2, "complaint")])
    assert holds(house, 10_000)
    told(house, [ban(3, "complaint", until=at(5))])
    assert holds(house, 10_000), "for good is for good"


def test_what_an_operator_lifted_is_not_banned_again_by_old_news(house: House) -> None:
    told(house, [ban(1, "bounce")])
    assert listed(house).remove(Family.EMAIL, ADA, at(5))
    told(house, [ban(1, "bounce"), ban(4, "bounce")])
    assert not holds(house)
    assert not listed(house).remove(Family.EMAIL, ADA, at(6)), "there is none to lift"
    told(house, [ban(6, "bounce")])
    assert holds(house)


def test_opted_out_then_imported_again(house: House) -> None:
    """Other case, a plus tag, dots that the mailbox provider ignores: the same person."""
    told(house, [ban(1, "unsubscribe", address="Ada.Byron@GMail.com")])
    for spelling in ("adabyron@gmail.com", "ada.byron+news@googlemail.com", " ADA.BYRON@gmail.com"):
        assert holds(house, address=spelling)
    assert not holds(house, address="ada.b@gmail.com")


def test_the_list_has_each_address_once_and_none_that_was_lifted(house: House) -> None:
    told(house, [ban(2, "bounce"), ban(1, "manual"), ban(1, address="bo@harbor.example")])
    told(house, [lift(2, address="bo@harbor.example")])
    (row,) = listed(house).page(None, 9)
    assert (row[0], row[4]) == ("email", at(1))


def test_a_family_is_lifted_by_itself(house: House) -> None:
    listed(house).add(None, [Suppression(Family.SMS, ADA, "stop", "test", at(1))])
    assert not holds(house)
    assert not listed(house).remove(Family.EMAIL, ADA, at(2))
    assert listed(house).holds(Family.SMS, ADA, at(3))


# --- where a ban came from ------------------------------------------------------------------------


def test_a_ban_names_what_set_it_first_and_after_a_lift_what_set_it_anew(house: House) -> None:
    contact = house.contact(email=ADA)
    causes = [Cause(CauseKind.WEBHOOK, "d-1#7"), Cause(CauseKind.OPERATOR, "k/r"), None]

    def of(cause: Cause | None, hours: float) -> Suppression:
        return replace(ban(hours), cause=cause)

    told(house, [of(causes[0], 1), of(causes[1], 2)])
    (found,) = listed(house).of_contact(contact)
    assert (found.cause, found.at, found.expires_at) == (causes[0], at(1), None)
    told(house, [lift(3)])
    (lifted,) = listed(house).of_contact(contact)
    assert (lifted.cause, lifted.expires_at) == (causes[0], at(3))
    told(house, [of(causes[1], 4), of(None, 5)])
    (again,) = listed(house).of_contact(contact)
    assert (again.cause, again.at) == (causes[1], at(4))


def test_bans_of_an_address_that_a_contact_left_are_found_and_of_others_not(house: House) -> None:
    contact = house.contact(email=ADA, external_id="c-1")
    told(house, [ban(1), ban(2, address="bo@harbor.example")])
    house.contact(email="new@harbor.example", external_id="c-1")
    assert [one.at for one in listed(house).of_contact(contact)] == [at(1)]
    assert listed(house).of_contact(house.contact(email="cy@harbor.example")) == []


def test_a_lift_that_came_before_its_ban_is_no_ban(house: House) -> None:
    contact = house.contact(email=ADA)
    told(house, [lift(1)])
    assert listed(house).of_contact(contact) == []


# --- the pull book --------------------------------------------------------------------------------


def test_opt_outs_that_reached_us_another_way_are_to_be_told(house: House) -> None:
    for name in ("ada", "bo", "cy", "di"):
        house.contact(email=f"{name}@harbor.example")
    now = MONDAY

    def known(name: str, ground: str, source: str) -> Suppression:
        address = f"{name}@harbor.example"
        return Suppression(Family.EMAIL, address, ground, source, now, ground)

    bans = [
        known("ada", "unsubscribe", "link"),
        known("bo", "unsubscribe", "sendgrid"),
        known("cy", "bounce", "link"),
        known("di", "manual", "api"),
        known("gone", "manual", "api"),
    ]
    listed(house).add(None, bans)
    book = SqlPullBook(house.system.database, house.tenant)
    found = book.unpushed(9)
    assert {one.address for one in found} == {"ada@harbor.example", "di@harbor.example"}
    assert len(book.unpushed(1)) == 1
    book.pushed(found, now)
    assert book.unpushed(9) == []
    assert listed(house).remove(Family.EMAIL, "di@harbor.example", at(1))
    listed(house).add(
        None, [Suppression(Family.EMAIL, "di@harbor.example", "manual", "api", at(2))]
    )
    assert [one.address for one in book.unpushed(9)] == ["di@harbor.example"]


def test_a_list_is_never_read_back(house: House) -> None:
    book = SqlPullBook(house.system.database, house.tenant)
    assert book.read_to("sendgrid") == {}
    for hours in (2, 1, 3):
        book.note("sendgrid", "bounces", at(hours))
    book.note("other", "bounces", at(9))
    assert book.read_to("sendgrid") == {"bounces": at(3)}
