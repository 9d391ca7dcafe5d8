"""What a sandbox is told when it starts."""

from datetime import datetime
from pathlib import Path

import msgspec

from infra.sandbox.persons import DEFAULT_RATES, Rates


class SandboxConfig(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one sandbox; an empty URL means that nothing is posted there."""

    api_key: str
    host: str = "127.0.0.1"
    port: int = 8025
    event_url: str = ""
    inbound_url: str = ""
    key_path: Path | None = None  # absent: a new key in each run
    accepts_path: Path | None = None  # absent: a restart forgets
    seed: int = 7
    rates: Rates = DEFAULT_RATES

    factor: float = 1.0  # simulated seconds in a real second
    origin_simulated: datetime | None = None  # shown at origin_real; absent: real time
    origin_real: datetime | None = None  # absent: the start of the process

    reach: dict[str, str] = {}  # public origin -> origin where it is really served
    repeat_share: float = 0.05  # events posted again under another sg_event_id
    shuffle_share: float = 0.10  # batches out of order
    delay_share: float = 0.02  # events posted late
    batch_events_max: int = 200
    batch_delay_s: float = 0.05  # real seconds
    post_timeout_s: float = 10.0  # real seconds
    retry_for_s: float = 86_400.0  # simulated seconds
    retry_for_real_s: float = 60.0  # and not less than this in real time
    silence_s: float = 15.0  # real seconds of the fault modes silence_*
    complaint_share_max: float = 0.003  # of a mailbox domain; above, it refuses mail with 5.7.x
    complaint_delivered_min: int = 500  # a domain with fewer deliveries has no rate
