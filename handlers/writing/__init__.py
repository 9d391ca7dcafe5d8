"""Plans by a writer: asked for, checked, handed back with the report, each round recorded."""

from handlers.writing.rounds import ROUNDS_MAX, KeptRound, Round, Written, rounds_of, write_plan

__all__ = ["ROUNDS_MAX", "KeptRound", "Round", "Written", "rounds_of", "write_plan"]
