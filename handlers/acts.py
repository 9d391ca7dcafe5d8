"""Administrative acts: recorded before they are carried out, and again where they fail."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import TypeVar
from uuid import UUID

import msgspec

from domain.acts import Act, ActFailed, ActOrdered, Value
from handlers.api.calls import Call
from handlers.ports.acts import ActLog

T = TypeVar("T")
Perform = Callable[[Call], T]
Changes = tuple[Mapping[str, Value], Mapping[str, Value]]
"""Before and after, where no other log says them."""
NOTHING: Changes = ({}, {})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An act, who does it and in which request."""

    act: Act
    subject: str = ""
    changes: Changes = NOTHING
    reasoned: bool = False
    actor: str
    request: UUID


@contextmanager
def acting(log: ActLog, order: Order, now: Callable[[], datetime]) -> Iterator[None]:
    """Record an order, carry it out inside of the block, record if that fails.

    When the order cannot be recorded, nothing is carried out.
    """
    before, after = order.changes
    ordered = ActOrdered(
        act=order.act,
        subject=order.subject,
        before=before,
        after=after,
        reasoned=order.reasoned,
        at=now(),
    )
    version = log.record(ordered, actor=order.actor, request=order.request)
    try:
        yield
    except Exception as error:
        failed = ActFailed(ordered=version, code=_code(error), at=now())
        log.record(failed, actor=order.actor, request=order.request)
        raise


def _no_subject(_: Call) -> str:
    return ""


def _no_changes(_: Call) -> Changes:
    return NOTHING


def by_id(call: Call) -> str:
    """The id in the path, as a subject."""
    return str(call.id)


def by_name(call: Call) -> str:
    """The name in the path, as a subject."""
    return call.name


def act(
    word: Act,
    about: Callable[[Call], str] = _no_subject,
    changes: Callable[[Call], Changes] = _no_changes,
) -> Callable[[Perform[T]], Perform[T]]:
    """Make the carrying out of an operation an administrative act.

    `about` names the thing it is done to, by an id or a name that the tenant gave, never by an
    address; `changes` are values before and after that no other log has.
    """

    def decorate(perform: Perform[T]) -> Perform[T]:
        @wraps(perform)
        def acted(call: Call) -> T:
            order = Order(
                act=word,
                subject=about(call),
                changes=changes(call),
                reasoned=bool(getattr(_given(call), "reason", "")),
                actor=call.holder.key_id,
                request=call.request_id,
            )
            with acting(call.tenant.acts, order, call.services.clock.now):
                return perform(call)

        acted.act = word  # type: ignore[attr-defined]  # a test asks every operation for it
        return acted

    return decorate


def _given(call: Call) -> object:
    """The body; of a plan that came with words beside it, those."""
    return getattr(call.body, "given", call.body)


def _code(error: Exception) -> str:
    """The word of a refusal; of anything else the name of the class, never its text."""
    code = getattr(error, "code", "")
    return code if isinstance(code, str) and code else type(error).__name__
