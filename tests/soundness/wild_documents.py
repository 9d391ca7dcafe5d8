"""Random plan documents of the odd kind: whatever the language allows where it is seldom used."""

from typing import Any

from tests.soundness.documents import CHANNELS, KINDS, OFFSETS, Documents

ZONES = (
    "UTC",
    "America/Los_Angeles",
    "America/Santiago",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Chatham",
)
"""Clocks changed at midnight, at two and at three, by an hour and by half an hour, or never."""
DAILY = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
WINDOWS: tuple[dict[str, Any], ...] = (
    {"days": ["TU", "FR"], "start": "10:00", "end": "11:30"},
    {"days": ["SU"], "start": "02:00", "end": "03:00"},
    {"days": ["SU"], "start": "02:15", "end": "02:45"},
    {"days": ["SA", "SU"], "start": "23:30", "end": "00:00"},
    {"days": ["FR", "SU"], "start": "00:00", "end": "00:30"},
    {"days": DAILY, "start": "12:00", "end": "12:05"},
    {"days": ["WE"], "start": "09:00", "end": "09:02"},
    {},
)
QUIET = (
    {"start": "21:00", "end": "07:30"},
    {"start": "02:20", "end": "02:40"},
    {"start": "00:30", "end": "00:00"},
    {"start": "03:00", "end": "01:30"},
)
HOLIDAYS = (
    ["2026-06-02", "2026-06-03", "2026-11-26"],
    [f"2026-07-{day:02}" for day in range(1, 29)],
    ["2026-09-06", "2026-10-04", "2026-10-25", "2026-11-01"],
    [f"2026-{month:02}-{day:02}" for month in range(6, 13) for day in (1, 2, 3, 8, 15, 22, 23)],
)
JITTERS: tuple[dict[str, str], ...] = (
    {"min": "PT0S", "max": "PT0S"},
    {"min": "PT2H", "max": "PT30H"},
    {"min": "PT0S", "max": "PT16M"},
    {"min": "PT59M", "max": "PT3H"},
    {},
)
INSTANTS = ("2026-01-01T00:00:00Z", "2026-07-01T12:00:00Z", "2026-10-25T01:10:00Z")
GOALS = ("x_bought", "opened", "clicked", "replied", "delivered", "task_done", "auto_replied")
FACTS = ("opened", "clicked", "replied", "bounced", "delivered", "invite_accepted", "auto_replied")

SILENCERS = {
    "email": (("opened", "no_open"), ("clicked", "no_click")),
    "sms": (("clicked", "no_click"),),
    "linkedin_invite": (("invite_accepted", "no_accept"),),
}
LENGTHS = ("PT6H", "PT24H", "P1D", "PT48H", "P2D")
"""As calendar days and as hours, which differ when the clock is changed."""


class WildDocuments(Documents):
    """Draws documents; the same seed draws the same ones."""

    def document(self) -> dict[str, Any]:
        document = super().document()
        document["timezone"] = self.one(*ZONES)
        document["defaults"] = {"jitter": self.one(*JITTERS)}
        if self.chance(0.3):
            document["defaults"]["timers"] = {"no_open": "PT6H", "no_click": "PT6H"}
        for share, field, values in (
            (0.5, "window", WINDOWS),
            (0.3, "quietHours", QUIET),
            (0.3, "holidays", [{"dates": dates} for dates in HOLIDAYS]),
            (0.5, "autoReply", [{"action": "exit"}, {"action": "defer", "by": "PT1H"}]),
            (0.5, "goals", [[{"on": word, "outcome": "converted"}] for word in GOALS]),
        ):
            if self.chance(share):
                document[field] = self.one(*values)
        return document

    def kinds(self, names: list[str]) -> dict[str, str]:
        """Any node first; but one of them sends."""
        kinds: dict[str, str] = {
            name: self.one(*KINDS, "wait", "task", "webhook") for name in names
        }
        sender = names[0] if self.chance(0.7) else self.one(*names)
        return kinds | {sender: "send"}

    def channels(self) -> dict[str, str]:
        return {name: self.one(*CHANNELS) for name in self.sends}

    def limits(self) -> dict[str, Any]:
        return super().limits() | {
            "minSpacing": self.one("PT0S", "PT1H", "PT7H", "PT12H", "P1D", "PT37H"),
            "minSpacingAny": self.one("PT0S", "PT0S", "PT15M", "PT6H", "P1D"),
        }

    def node(self, names: list[str], index: int, kind: str) -> dict[str, Any]:
        """Where the visits are used up, perhaps back to a node before."""
        node = super().node(names, index, kind)
        if "maxVisits" in node and self.chance(0.6):
            node["onMaxVisits"] = self.one(*names, "end")
        return node

    def of_send(self, name: str) -> dict[str, Any]:
        node = super().of_send(name)
        schedule = node["schedule"]
        if self.chance(0.1):
            schedule.clear()
            schedule |= {"at": self.one(*INSTANTS), "ifPast": self.one("send", "skip")}
        elif self.chance(0.15):
            schedule["sendAt"] = self.one("02:15", "02:30", "00:10", "23:59", "01:30")
        elif self.chance(0.15):
            schedule["businessDays"] = self.rng.randint(0, 12)
        if self.chance(0.15):
            schedule["window"] = self.one(*WINDOWS)
        if self.chance(0.15):
            schedule["jitter"] = self.one(*JITTERS[:4])
        return node

    def of_task(self, name: str) -> dict[str, Any]:
        """What the person does may come too soon or too late; the contact may be heard of too."""
        task = super().of_task(name)
        for way in task["transitions"][:-1]:
            if self.chance(0.3):
                way["within"] = self.one(*OFFSETS)
            if self.chance(0.3):
                way["after"] = self.one(*OFFSETS)
            if self.chance(0.2):
                way["when"] = self.guard()
        heard = self.ways(self.channel[self.one(*self.sends)])
        return task | {"transitions": [*task["transitions"][:-1], *heard, task["transitions"][-1]]}

    def ways(self, channel: str) -> list[dict[str, Any]]:
        """Sometimes only an event in its time, and the timer that this event keeps from firing."""
        if channel not in SILENCERS or self.chance(0.85):
            return super().ways(channel)
        word, timer = self.one(*SILENCERS[channel])
        way = {"on": word, "to": self.to()}
        for bound, share in (("within", 0.5), ("after", 0.2)):
            if self.chance(share):
                way[bound] = self.one(*LENGTHS)
        return [way, self.timer(timer, self.one(*LENGTHS))]

    def way(self, word: str) -> dict[str, Any]:
        way = super().way(word)
        if self.chance(0.15):
            way["about"] = self.one("any", *self.sends)
        return way

    def guard(self) -> dict[str, Any]:
        if self.open_guards:
            return super().guard()
        every = [self.condition() for _ in range(self.rng.randint(1, 2))]
        return {"all": every, "any": [self.condition(), self.condition()] * self.one(0, 0, 1)}

    def condition(self) -> dict[str, Any]:
        send = self.one(*self.sends)
        fact = f"facts.{send}.{self.one(*FACTS)}"
        condition: dict[str, Any] = self.one(
            {"field": fact, "op": self.one("exists", "not_exists")},
            {"field": fact, "op": self.one("eq", "ne"), "value": True},
            {"field": "state.sends", "op": self.one("lt", "gte"), "value": self.rng.randint(0, 4)},
            {"field": f"state.visits.{send}", "op": self.one("lt", "gte"), "value": 2},
            {"field": "contact.stage", "op": self.one("eq", "ne"), "value": "hot"},
        )
        return condition
