"""The heap of a process that lives long and makes many small values that end by themselves."""

import gc

YOUNG = 50_000
"""New containers before the youngest are looked through for cycles; Python's own number is 700."""


def settle_heap() -> None:
    """Leave what the start has made out of every later search for cycles, and search seldom.

    Facts, states and reports are trees. A batch makes thousands of them, and to go over all modules
    each time took a fifth of the processor time of a worker.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
