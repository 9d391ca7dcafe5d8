"""What must be so before a tenant sends for real, looked up in the running system (C40)."""

from infra.go_live.checklist import go_live
from infra.go_live.item import Item, Word
from infra.go_live.names import DnsNames, Names
from infra.go_live.running import Running, look

__all__ = ["DnsNames", "Item", "Names", "Running", "Word", "go_live", "look"]
