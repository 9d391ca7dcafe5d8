"""Notes as the command line shows them: when, about what, the words; nothing acts on a terminal."""

from handlers.ports import Note
from infra.cli.plan_excerpt import shown_as


def note_words(note: Note) -> str:
    """One note on one line."""
    what = note.kind.replace("_", " ")
    return f"{note.at:%Y-%m-%d %H:%M:%S}  {what}: {shown_as(note.text)}"
