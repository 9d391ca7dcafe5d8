"""JSON Pointers (RFC 6901) into a plan."""

from collections.abc import Iterable


def pointer(*parts: str | int) -> str:
    """The pointer through these keys and indexes; no parts point at the whole document."""
    return "".join(["/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts])


def found(document: object, parts: Iterable[str | int]) -> object:
    """What the parts lead to, or None where they lead nowhere."""
    for part in parts:
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            document = document[part]
        else:
            return None
    return document
