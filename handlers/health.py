"""Whether the process is up, and whether what it needs works."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from handlers.services import Probe, Services

JSON = "application/json"
_NO_STORE = {"Cache-Control": "no-store"}


class ProbeShown(msgspec.Struct, frozen=True):
    """How one of the things that are needed does."""

    ok: bool
    told: str


class Ready(msgspec.Struct, frozen=True):
    """How all of them do."""

    ok: bool
    probes: Mapping[str, ProbeShown]


class Health:
    """Two doors for those who run the process; bind them where the outside does not reach."""

    def __init__(self, services: Services) -> None:
        self._probes = services.probes

    def alive(self, _: Request) -> Response:
        """200 as long as the process answers."""
        return Response(b'{"ok":true}', media_type=JSON, headers=_NO_STORE)

    def ready(self, _: Request) -> Response:
        """200 when every probe is well, else 503; each is asked, so that all that is ill shows."""
        shown = {name: asked(probe) for name, probe in self._probes.items()}
        told = Ready(all(one.ok for one in shown.values()), shown)
        return Response(
            msgspec.json.encode(told),
            status_code=200 if told.ok else 503,
            headers=_NO_STORE,
            media_type=JSON,
        )


def asked(probe: Probe) -> ProbeShown:
    """How one of them does."""
    try:
        return ProbeShown(ok=True, told=probe())
    except Exception as error:  # noqa: BLE001  # whatever it is, the thing is not well
        return ProbeShown(ok=False, told=type(error).__name__)
