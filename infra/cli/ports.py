"""Ports to listen on: whether one is free, and which one the web process takes."""

import socket

from infra.cli.outcome import PortInUse
from infra.embedded.home import Home, HomeInUse
from infra.settings import Settings

UNKEPT = 8000
"""What links name too while no port is kept (`infra.bootstrap`)."""


def web_port(settings: Settings, given: int | None) -> int:
    """The port asked for, or the one kept under home; a free one is chosen and kept at first."""
    asked = given or settings.web_port
    if asked is not None:
        return asked
    home = Home(settings.home)
    try:
        with home.locked():
            return home.claim_port("web")
    except HomeInUse:  # by our own servers: the file of ports is theirs to write
        return home.port("web") or UNKEPT


def require_free(host: str, port: int, mend: str) -> None:
    """Raise PortInUse with the mend when somebody listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is no stranger
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(
                f"cannot listen on port {port} of {host} ({error.strerror}): "
                f"stop what uses it, or {mend}"
            ) from None
