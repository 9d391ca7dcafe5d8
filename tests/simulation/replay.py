"""One run again, step by step: `python -m tests.simulation.replay SEED [CHOICES]`.

A failing seed is cut to the shortest list of choices that still fails, and told with its trace.
"""

import logging
import sys
from collections.abc import Sequence

from tests.simulation.figures import shortest
from tests.simulation.runs import Run, run


def told(done: Run) -> list[str]:
    """What a run came to."""
    head = f"seed {done.seed}, {done.scene}, {done.temper}: {len(done.choices)} choices"
    return [head, done.violation or "nothing that must not be", str(done.choices)]


def main(arguments: Sequence[str]) -> int:
    """Replay a seed, as it was or with as many of its choices as are asked for."""
    logging.disable(logging.CRITICAL)
    seed = int(arguments[0])
    done = run(seed)
    if done.violation:
        done = shortest(seed)
    wanted = int(arguments[1]) if len(arguments) > 1 else len(done.choices)
    trace: list[str] = []
    again = run(seed, done.choices[:wanted], trace.append)
    sys.stdout.write("\n".join([*trace, *told(again)]) + "\n")
    return 1 if again.violation else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
