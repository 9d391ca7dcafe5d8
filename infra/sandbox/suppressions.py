"""The provider's own lists: whom it drops mail to, and domains that refuse us for complaints."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from infra.sandbox.persons import Kind

LISTS = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
LIST_OF = MappingProxyType(
    {
        Kind.BOUNCED: "bounces",
        Kind.BOUNCED_LATE: "bounces",
        Kind.BLOCKED: "blocks",
        Kind.COMPLAINED: "spam_reports",
        Kind.UNSUBSCRIBED: "unsubscribes",
    }
)
# Mail to an address on these lists is dropped, with this reason; a block does not outlast its mail.
DROP_REASON = MappingProxyType(
    {
        "bounces": "Bounced Address",
        "spam_reports": "Spam Reporting Address",
        "unsubscribes": "Unsubscribed Address",
    }
)
FIELDS_OF = MappingProxyType(
    {"bounces": ("reason", "status"), "blocks": ("reason", "status"), "spam_reports": ("ip",)}
)
BLOCKED = "blocked"


class Suppressions:
    """Lists of addresses, each with the moment it came there."""

    def __init__(self, share_max: float, delivered_min: int) -> None:
        self._share_max, self._delivered_min = share_max, delivered_min
        self._lists: dict[str, dict[str, dict[str, object]]] = {name: {} for name in LISTS}
        self._groups: dict[int, dict[str, None]] = {}
        self._delivered: Counter[str] = Counter()
        self._complaints: Counter[str] = Counter()

    def note(self, kind: Kind, address: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Take over what a reaction means for later mail to the address."""
        person = address.strip().lower()
        domain = person.rpartition("@")[2]
        self._delivered[domain] += kind is Kind.DELIVERED
        self._complaints[domain] += kind is Kind.COMPLAINED
        if kind in LIST_OF:
            name = LIST_OF[kind]
            facts = {field: facts[field] for field in FIELDS_OF.get(name, ())}
            entry = {"created": int(at.timestamp()), "email": person, **facts}
            self._lists[name].setdefault(person, entry)

    def leave_group(self, group: int, address: str) -> None:
        """Take an address out of a group of mails."""
        self._groups.setdefault(group, {})[address.strip().lower()] = None

    def opt_out(self, addresses: Iterable[str], at: datetime) -> None:
        """Take over opt-outs that the customer heard of: they are unsubscribed here too."""
        for address in addresses:
            person = address.strip().lower()
            entry: dict[str, object] = {"created": int(at.timestamp()), "email": person}
            self._lists["unsubscribes"].setdefault(person, entry)

    @property
    def groups(self) -> dict[int, list[str]]:
        """Who left which group."""
        return {group: list(people) for group, people in sorted(self._groups.items())}

    def refusal(self, address: str) -> str:
        """Why mail to the address will not arrive, empty where nothing speaks against it."""
        person = address.strip().lower()
        for name, reason in DROP_REASON.items():
            if person in self._lists[name]:
                return reason
        domain = person.rpartition("@")[2]
        delivered = self._delivered[domain]
        if delivered < self._delivered_min:
            return ""
        return BLOCKED if self._complaints[domain] > self._share_max * delivered else ""

    def listed(self, name: str, start: int, end: int) -> list[dict[str, object]]:
        """The entries of a list that were made in a span of unix seconds, oldest first."""
        entries = self._lists[name].values()
        return sorted(
            (entry for entry in entries if start <= int(str(entry["created"])) <= end),
            key=lambda entry: (int(str(entry["created"])), str(entry["email"])),
        )
