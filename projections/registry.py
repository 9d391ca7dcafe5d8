"""The table of contents: which read models there are, and which of them are work."""

from projections.activity_feed import ACTIVITY_FEED
from projections.contact_campaigns import CONTACT_CAMPAIGNS
from projections.errands import ERRANDS
from projections.metrics import METRICS
from projections.passages import PASSAGES
from projections.projection import Projection
from projections.send_queue import SEND_QUEUE
from projections.streams import STREAMS
from projections.tasks import TASKS
from projections.timers import TIMERS

WORK: tuple[Projection, ...] = (STREAMS, SEND_QUEUE, TIMERS, ERRANDS, TASKS)
"""Rows that move in the transaction of their facts; a rebuild compares them, never swaps them."""

READ: tuple[Projection, ...] = (CONTACT_CAMPAIGNS, ACTIVITY_FEED, METRICS, PASSAGES)
"""Rows that the runner writes."""

ALL: tuple[Projection, ...] = (*WORK, *READ)
