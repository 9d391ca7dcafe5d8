"""Redis or Valkey: the broker of the actors, and the doorbell whose rings are coalesced."""

import logging
from typing import Final

import redis
from dramatiq import Broker, Message
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from typing_extensions import override

from domain.ids import TenantId
from handlers.actors import QUEUE_OF
from handlers.ports import Doorbell
from infra.woken import CHANNEL, WokenBroker

LOG = logging.getLogger("antiphon.redis")
NAMESPACE: Final = "{antiphon}"
"""In braces, so that all keys of the broker share one slot of a cluster."""
UNANSWERED_MS = 1_000
"""While a bell is not answered, rings of its kind and tenant are the same one for so long."""
_RING: Final = """
if redis.call('SET', KEYS[1], 1, 'NX', 'PX', ARGV[1]) then
    redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
    redis.call('RPUSH', KEYS[2], ARGV[2])
    redis.call('PUBLISH', ARGV[4], ARGV[5])
end
"""
"""One trip in place of three: the mark, the message as the library enqueues one, the word of it."""


class RedisOutOfReach(Exception):
    """No connection to Redis could be had; the text says where it was sought and what mends it."""


def make_broker(url: str) -> Broker:
    """The broker: dead workers' messages come back within seconds, whatever the load."""
    broker = WokenBroker(
        client=connect(url),
        namespace=NAMESPACE,
        heartbeat_timeout=15_000,
        maintenance_chance=1_000_000,
        middleware=[
            AgeLimit(),
            TimeLimit(),
            ShutdownNotifications(),
            Callbacks(),
            Retries(max_retries=0),  # only so that an actor may say it has none
        ],
    )
    for queue in QUEUE_OF.values():
        broker.declare_queue(queue)
    return broker


def connect(url: str) -> "redis.Redis":
    """A client with time-outs; it connects at first use."""
    return redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=3)


def probe(url: str) -> None:
    """Raise RedisOutOfReach unless the server answers."""
    client = connect(url)
    try:
        client.ping()
    except redis.RedisError as error:
        place = client.connection_pool.connection_kwargs
        raise RedisOutOfReach(
            f"no connection to Redis at {place.get('host')}, port {place.get('port')}: {error}. "
            "Start that server or correct ANTIPHON_REDIS_URL; "
            "without this setting antiphon runs a server of its own."
        ) from error
    finally:
        client.close()


class RedisDoorbell(Doorbell):
    """Rings actors; while Redis is away nothing is rung, and the ticker makes up for it."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._ring = client.register_script(_RING)

    @override
    def ring(self, kind: str, tenant: TenantId) -> None:
        queue = QUEUE_OF[kind]
        message: Message[None] = Message(
            queue_name=queue, actor_name=kind, args=(tenant,), kwargs={}, options={}
        )
        name = message.message_id
        message = message.copy(options={"redis_message_id": name})
        waiting = f"{NAMESPACE}:{queue}"
        try:
            self._ring(
                keys=[_rung(kind, tenant), waiting, f"{waiting}.msgs"],
                args=[UNANSWERED_MS, name, message.encode(), CHANNEL, queue],
            )
        except redis.RedisError as error:
            LOG.warning("the bell %s did not ring: %s", kind, type(error).__name__)

    def answered(self, kind: str, tenant: TenantId) -> None:
        """From here on a ring is a new one: what is committed before it, the actor will see."""
        try:
            self._client.delete(_rung(kind, tenant))
        except redis.RedisError as error:
            LOG.warning("the bell %s was not answered: %s", kind, type(error).__name__)


def _rung(kind: str, tenant: TenantId) -> str:
    return f"{NAMESPACE}:rung:{kind}:{tenant}"
