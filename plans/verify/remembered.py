"""The check that remembers what it saw last, for contacts that are given the same plan.

Documents and policies are known by bytes that hold all of them, and what is remembered is made from
these bytes alone: whatever it reads is in the key. Plans that say other things in the same course
share their course.
"""

import marshal
from collections.abc import Callable
from datetime import date
from functools import lru_cache, partial
from typing import Any, Final

from typing_extensions import override

from plans.canonical import CanonicalDocument
from plans.context import ContactContext, TenantPolicy
from plans.verify.check import Checked, Examination, check
from plans.verify.resume import Resume
from plans.verify.timed.course import Course, Proof, bare, course_of

Remembered = Callable[[object, ContactContext | None], Checked]

REMEMBERED_MAX: Final = 64
BYTES_MAX: Final = 64 * 1024
STATES_MAX: Final = 500
"""A larger document is checked each time, and more states are walked each time."""


def check_remembered(
    document: object,
    context: ContactContext | None = None,
    policy: TenantPolicy | None = None,
) -> Checked:
    """What `check` says. What it hands out is shared by contacts: to be read only."""
    return checks_by(policy)(document, context)


def checks_by(policy: TenantPolicy | None) -> Remembered:
    """The same for many plans by one policy, which is as it is now."""
    rules = None if policy is None else _policy_bytes(policy)

    def checked(document: object, context: ContactContext | None) -> Checked:
        known = _known(document)
        if known is None:
            return check(document, context, policy)
        return _examination(known, rules).of(context)

    return checked


class _RememberedCourse(Course):
    """Keeps its proof."""

    _kept: Proof | None = None

    @override
    def proof(self) -> Proof:
        if self._kept is not None:
            return self._kept
        proof = super().proof()
        if len(proof.explored.states) <= STATES_MAX:
            self._kept = proof
        return proof


@lru_cache(maxsize=REMEMBERED_MAX)
def _examination(document: bytes, policy: bytes | None) -> Examination:
    return Examination(_value(document), _policy(policy), course=partial(_course_by, policy))


def _course_by(
    rules: bytes | None,
    document: CanonicalDocument,
    holidays: tuple[date, ...],
    policy: TenantPolicy | None,
    resume: Resume | None,
) -> Course:
    if resume is not None:
        return course_of(document, holidays, policy, resume)
    return _course(_bytes_of(bare(document)), holidays, rules)


@lru_cache(maxsize=REMEMBERED_MAX)
def _course(document: bytes, holidays: tuple[date, ...], policy: bytes | None) -> Course:
    course = course_of(_value(document), holidays, _policy(policy))
    return _RememberedCourse(course.compiled, course.policy)


@lru_cache(maxsize=REMEMBERED_MAX)
def _policy(known: bytes | None) -> TenantPolicy | None:
    return None if known is None else TenantPolicy.model_validate(_value(known))


def _known(document: Any) -> bytes | None:  # noqa: ANN401  # what came from outside
    """All of a document: each value with its exact type, fields in their order."""
    try:
        known = marshal.dumps(document)
    except ValueError:  # no JSON value, or nested too deeply: for the check to say
        return None
    return known if len(known) <= BYTES_MAX else None


def _policy_bytes(policy: TenantPolicy) -> bytes:
    return _bytes_of(policy.model_dump(mode="json", by_alias=True))


def _bytes_of(value: dict[str, Any]) -> bytes:
    """Equal bytes for equal values, whoever else holds their parts."""
    return marshal.dumps(value, 2)


def _value(known: bytes) -> Any:  # noqa: ANN401  # whatever was written
    return marshal.loads(known)  # noqa: S302  # our own bytes, of this process
