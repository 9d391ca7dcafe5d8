"""Whether a guard holds (plan-dsl.md 2.4): comparisons by value and type, never an error."""

from collections.abc import Callable, Mapping

from domain.plan import Condition, Guard

Values = Mapping[str, object]
_MISSING = object()


def holds(guard: Guard | None, values: Values) -> bool:
    """True when every `all` holds and (`any` is empty or one holds); no guard always holds."""
    if guard is None:
        return True
    every = all(_true(condition, values) for condition in guard.all)
    return every and (not guard.any or any(_true(condition, values) for condition in guard.any))


def _true(condition: Condition, values: Values) -> bool:
    found = values.get(condition.field, _MISSING)
    if condition.field.startswith("facts.") and condition.op in ("exists", "not_exists"):
        return (found is True) == (condition.op == "exists")
    return _OPS[condition.op](_MISSING if found is None else found, condition.value)


def _same(found: object, value: object) -> bool:
    return _kind(found) is _kind(value) and found == value


def _kind(value: object) -> type:
    """JSON type: a boolean is no number, and 1 and 1.0 are the same kind."""
    if isinstance(value, bool):
        return bool
    return float if isinstance(value, int | float) else type(value)


def _in(found: object, value: object) -> bool:
    return isinstance(value, tuple | list) and any(_same(found, item) for item in value)


def _contains(found: object, value: object) -> bool:
    if isinstance(found, list | tuple):
        return any(_contains(item, value) for item in found)
    return (
        isinstance(found, str) and isinstance(value, str) and value.casefold() in found.casefold()
    )


def _ordered(
    compare: Callable[[float | str, float | str], bool],
) -> Callable[[object, object], bool]:
    def test(found: object, value: object) -> bool:
        if found is _MISSING or _kind(found) is not _kind(value):
            return False
        if not isinstance(found, int | float | str) or not isinstance(value, int | float | str):
            return False
        return compare(found, value)

    return test


_OPS: Mapping[str, Callable[[object, object], bool]] = {
    "eq": _same,
    "ne": lambda found, value: not _same(found, value),
    "in": _in,
    "not_in": lambda found, value: not _in(found, value),
    "contains": _contains,
    "exists": lambda found, _: found is not _MISSING,
    "not_exists": lambda found, _: found is _MISSING,
    "gt": _ordered(lambda a, b: a > b),  # type: ignore[operator]  # both have the same kind here
    "gte": _ordered(lambda a, b: a >= b),  # type: ignore[operator]  # as above
    "lt": _ordered(lambda a, b: a < b),  # type: ignore[operator]  # as above
    "lte": _ordered(lambda a, b: a <= b),  # type: ignore[operator]  # as above
}
