"""How a role learns that it is to stop."""

import signal
from threading import Event


def stop_requested() -> Event:
    """An event that SIGTERM or SIGINT sets."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
