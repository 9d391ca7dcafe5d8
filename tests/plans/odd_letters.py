"""Letters that look like ours, or like nothing, and two that are no letters at all."""

TRICKS = {
    "full-width digit": "a\uff11",
    "full-width letter": "\uff41bc",
    "combining mark": "a\u0301",
    "precomposed letter": "\u00e1",
    "zero-width space": "a\u200bb",
    "zero-width joiner": "a\u200db",
    "byte order mark": "\ufeffa",
    "right-to-left override": "a\u202eb",
    "cyrillic a": "\u0430bc",
    "greek omicron": "c\u03bfld",
    "kelvin sign": "\u212aelvin",
    "long s": "\u017fend",
    "arabic digit": "a\u0661",
    "no-break space": "a\u00a0b",
    "line separator": "a\u2028",
    "new line": "a\n",
    "tag letter": "a\U000e0061",
    "emoji": "a\U0001f600",
}
BROKEN = {"lone surrogate": "a\udc80", "nul": "a\x00"}
