"""How a server of somebody else's making is ended: by unwinding, not by the signal's default."""

import signal
import sys


def exit_on_signals() -> None:
    """End with 0 at SIGINT and SIGTERM. Uvicorn raises them again once it has shut down."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
