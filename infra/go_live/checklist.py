"""The whole checklist, in the order in which people go through it."""

from infra.go_live import sender_items, sending_items, system_items
from infra.go_live.item import Item
from infra.go_live.running import Running


def go_live(running: Running) -> list[Item]:
    """Every item with its verdict; a tenant may go live when none fails."""
    return [
        *sending_items.items(running),
        *sender_items.items(running),
        *system_items.items(running),
    ]
