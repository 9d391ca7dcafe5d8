"""What the provider does not have: a look inside, switches, and recipients that act when told."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from infra.sandbox.answers import as_json, body_of, errors
from infra.sandbox.faults import read_order
from infra.sandbox.limits import Refusal
from infra.sandbox.persons import Kind
from infra.sandbox.sandbox import Sandbox


class _Trusted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An endpoint by its name, and the secret that its calls are signed with."""

    name: str
    secret: str


class Control:
    """What the provider does not have: a look inside, and switches."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def health(self, _: Request) -> Response:
        return as_json({"status": "ok"})

    async def stats(self, _: Request) -> Response:
        return as_json(self._sandbox.stats())

    async def message(self, request: Request) -> Response:
        """The accepts of a message with the requests as they came."""
        accepts = self._sandbox.accepts_of(request.path_params["message"])
        return as_json({"accepts": accepts}) if accepts else errors(404)

    async def faults(self, request: Request) -> Response:
        """The faults in force; a POST replaces them all."""
        if request.method == "POST":
            try:
                self._sandbox.faults.in_force = read_order(await request.body())
            except msgspec.DecodeError as error:
                return errors(400, [Refusal(str(error))])
        return as_json({"faults": self._sandbox.faults.in_force})

    async def trust(self, request: Request) -> Response:
        """From now on calls of this endpoint are answered, if they are signed with the secret."""
        try:
            given = msgspec.json.decode(await body_of(request), type=_Trusted)
            self._sandbox.endpoints.trust(given.name, given.secret)
        except ValueError as error:  # msgspec's errors are some
            return errors(400, [Refusal(str(error))])
        return as_json({"name": given.name})

    async def act(self, request: Request) -> Response:
        """202 once the recipient of an accepted message is at it: opens, clicks, replies."""
        try:
            kind = Kind(request.path_params["kind"])
        except ValueError:
            return errors(400, [Refusal(f"say one of {', '.join(Kind)}", field="kind")])
        done = self._sandbox.act(request.path_params["message"], kind)
        return as_json({"kind": kind}, 202) if done else errors(404)
