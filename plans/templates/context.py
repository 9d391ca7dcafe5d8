"""What a template reaches while it renders: plain values only, and every step is counted."""

from collections.abc import Callable, Mapping
from io import StringIO
from typing import Final, TextIO

from liquid import BoundTemplate, RenderContext, Token, Undefined
from liquid.exceptions import OutputStreamLimitError, ResourceLimitError
from liquid.output import LimitedStringIO
from liquid.utils import ReadOnlyChainMap
from typing_extensions import override

OUTPUT_CHARACTERS_MAX: Final = 200_000
WORK_MAX: Final = 2_000_000
"""Characters that filters may touch in one rendering; a step of any kind costs some as well."""

TOGETHER_MAX: Final = 3 * WORK_MAX
"""The same for all templates of one plan, most of which cost a few hundred."""

_STEP: Final = 100
LOOKUP: Final = 10


class Output(LimitedStringIO):
    """A stream that counts characters, where the library counts bytes."""

    def __init__(self, taken: int = 0) -> None:
        super().__init__(limit=OUTPUT_CHARACTERS_MAX - taken)

    @override
    def write(self, text: str, /) -> int:
        self.size += len(text)
        if self.size > self.limit:
            raise OutputStreamLimitError("output limit reached", token=None)
        return StringIO.write(self, text)


class Purse:
    """The work that several renderings may do together."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = TOGETHER_MAX

    def spend(self, characters: int) -> None:
        """Count work; raise once there is none left."""
        self.left -= characters
        if self.left < 0:
            raise ResourceLimitError("work limit of all templates reached", token=None)


class CountedContext(RenderContext):
    """The library's context without `now` and `today`, with a budget of work.

    `filled` names variables that read as empty, so that a further rendering finds the next missing;
    where `lenient`, all that are missing do.
    """

    __slots__ = ("filled", "lenient", "purse", "work")

    filled: frozenset[str]
    lenient: bool
    purse: Purse | None
    work: int

    def __init__(self, template: BoundTemplate, values: Mapping[str, object]) -> None:
        super().__init__(template, globals=values)
        self.scope = ReadOnlyChainMap(self.locals, self.globals)
        self.filled = frozenset()
        self.lenient = False
        self.purse = None
        self.work = 0

    def spend(self, characters: int) -> None:
        """Count work; raise once it is too much."""
        self.work += characters
        if self.work > WORK_MAX:
            raise ResourceLimitError("work limit reached", token=None)
        if self.purse is not None:
            self.purse.spend(characters)

    @override
    def get(self, path: list[object], *, token: Token | None, default: object = None) -> object:
        self.spend(LOOKUP)
        name = ".".join(map(str, path))
        if name in self.filled:
            return ""
        found = super().get(path, token=token)
        if not _is_absent(found):
            return found
        undefined = Undefined if self.lenient else self.env.undefined
        return undefined(name, hint=name, token=token)

    @override
    def assign(self, key: str, val: object) -> None:
        self.spend(_STEP + len(self.locals))  # the library measures all locals each time
        super().assign(key, val)

    @override
    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        function = super().filter(name, token)

        def counted(left: object, *args: object, **options: object) -> object:
            self.spend(_STEP + _weight(left) + _growth(name, left, args))
            result = function(left, *args, **options)
            self.spend(_weight(result))
            return result

        return counted

    @override
    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        return Output(taken=buf.size if isinstance(buf, LimitedStringIO) else 0)


def _is_absent(value: object) -> bool:
    """Asked of the type: a strict undefined value raises even when asked for its class."""
    return issubclass(type(value), Undefined)


def _weight(value: object) -> int:
    if _is_absent(value):
        return 1
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    return value.bit_length() // 8 if isinstance(value, int) else 1


def _growth(name: str, left: object, args: tuple[object, ...]) -> int:
    """What a filter that multiplies will add, known before it does."""
    if name == "replace" and len(args) > 1:
        return str(left).count(str(args[0])) * len(str(args[1]))
    if name == "join" and args:
        return _weight(left) * len(str(args[0]))
    return 0
