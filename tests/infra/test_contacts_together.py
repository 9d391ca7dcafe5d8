"""Several writers at one contact: a plan, a person, an import. None loses what another wrote."""

from functools import partial
from itertools import count

import pytest
from msgspec.structs import replace

from handlers.contacts import ContactChange, changed
from tests.stories.house import House

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"


def until_somebody_waits(house: House) -> None:
    while not house.rows(WAITS):
        pass


def test_a_person_and_a_plan_change_a_contact_at_once_and_both_stand(house: House) -> None:
    contact, book = house.contact(city="Porto"), house.system.contacts(house.tenant)
    renamed = partial(changed, change=ContactChange(first_name="Ada"))
    with house.ports.transactions.begin() as tx:
        before = house.ports.people.locked(tx, [contact])[contact]
        house.ports.people.overwrite(tx, [replace(before, city="Faro")])
        person = house.system.executor.submit(book.change, contact, renamed)
        until_somebody_waits(house)
    after = person.result(30)
    assert after == book.by_id([contact])[contact]
    assert (after.first_name, after.city) == ("Ada", "Faro")


def test_a_plan_takes_contacts_in_the_order_of_an_import(house: House) -> None:
    """Else two who have one each wait for the other's for ever."""
    second = house.contact(external_id="b")
    drawn = (house.contact(external_id=f"a{number}") for number in count())
    first = next(contact for contact in drawn if contact > second)

    def by_a_plan() -> None:
        with house.ports.transactions.begin() as tx:
            house.ports.people.locked(tx, [first, second])

    lock = "SELECT 1 FROM {s}.contacts WHERE contact_id = %(id)s FOR UPDATE NOWAIT"
    with house.ports.transactions.begin() as tx:
        house.ports.people.locked(tx, [first])
        plan = house.system.executor.submit(by_a_plan)
        until_somebody_waits(house)
        assert house.rows(lock, id=second) == [(1,)]
    plan.result(30)
