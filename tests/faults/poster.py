"""A provider that never stops posting: notes each report that was answered for, and each answer."""

import http.client
import json
import threading
import time
from collections import Counter
from typing import Self
from urllib.parse import urlsplit

from infra.sandbox.clock import real_now
from infra.sandbox.keys import SigningKey

PAUSE_S = 0.02
TIMEOUT_S = 30.0
AWAY = 0
"""Stands for "no answer" among the statuses."""


class Poster:
    """Posts signed reports one after another inside a `with` block."""

    def __init__(self, url: str, key: SigningKey) -> None:
        self._place = urlsplit(url)
        self._key = key
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers: Counter[int] = Counter()
        self.acknowledged: set[str] = set()
        self.slowest_s = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._over.wait(PAUSE_S):
            number += 1
            self._post(f"posted-{number:06d}")

    def _post(self, name: str) -> None:
        event = {
            "event": "delivered",
            "email": f"{name}@nobody.example",
            "timestamp": int(real_now().timestamp()),
            "sg_event_id": name,
            "sg_message_id": f"{name}.recvd",
        }
        body = json.dumps([event]).encode()
        signed = self._key.headers(int(real_now().timestamp()), body)
        began = time.monotonic()
        status = self._answer(body, {"Content-Type": "application/json", **signed})
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.answers[status] += 1
        if status // 100 == 2:
            self.acknowledged.add(name)

    def _answer(self, body: bytes, headers: dict[str, str]) -> int:
        place = self._place
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", place.path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return AWAY
        finally:
            connection.close()
