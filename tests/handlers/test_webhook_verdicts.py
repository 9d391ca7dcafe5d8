import pytest

from domain.taxonomy import Signal
from handlers.webhooks.verdicts import Reader, Sight, judge

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
OPENED, CLICKED = Signal.OPENED, Signal.CLICKED

SIGHTS = [
    (Sight(signal=OPENED, useragent=CHROME, flagged=True), Reader.MACHINE, "1:B1"),
    (Sight(signal=OPENED, useragent="Mozilla/5.0"), Reader.MACHINE, "1:B2"),
    (Sight(signal=OPENED, useragent="Mozilla/5.0", flagged=True), Reader.MACHINE, "1:B1,B2"),
    (Sight(signal=OPENED, useragent=GMAIL), Reader.UNKNOWN, "1:B3"),
    (
        Sight(signal=OPENED, useragent="YahooMailProxy; https://help.yahoo.com"),
        Reader.UNKNOWN,
        "1:B3",
    ),
    (Sight(signal=OPENED, useragent=GMAIL, flagged=True), Reader.MACHINE, "1:B1,B3"),
    (Sight(signal=CLICKED, useragent=CHROME, method="HEAD"), Reader.MACHINE, "1:B4"),
    (Sight(signal=CLICKED, useragent=CHROME, prefetch=True), Reader.MACHINE, "1:B4"),
    (Sight(signal=CLICKED, useragent="python-requests/2.32"), Reader.MACHINE, "1:B9"),
    (Sight(signal=CLICKED, useragent="LinkedInBot/1.0"), Reader.MACHINE, "1:B9"),
    (Sight(signal=OPENED, useragent="Mozilla/5.0 (Linux; CUBOT X18)"), Reader.HUMAN, "1:B11"),
    (Sight(signal=CLICKED, useragent=CHROME, since_open_s=2), Reader.HUMAN, "1:B10"),
    (Sight(signal=CLICKED, useragent=CHROME, since_open_s=1.9), Reader.UNKNOWN, "1:"),
    (Sight(signal=CLICKED, useragent=CHROME, since_delivery_s=31), Reader.HUMAN, "1:B10"),
    (Sight(signal=CLICKED, useragent=CHROME, since_delivery_s=30), Reader.UNKNOWN, "1:"),
    (Sight(signal=CLICKED, useragent=CHROME), Reader.UNKNOWN, "1:"),
    (Sight(signal=CLICKED, useragent="curl/8.5", since_open_s=60), Reader.MACHINE, "1:B9"),
    (Sight(signal=OPENED, useragent=CHROME), Reader.HUMAN, "1:B11"),
    (Sight(signal=OPENED), Reader.HUMAN, "1:B11"),
]


@pytest.mark.parametrize(("sight", "reader", "evidence"), SIGHTS)
def test_each_rule_gives_its_verdict_and_names_itself(
    sight: Sight, reader: Reader, evidence: str
) -> None:
    verdict = judge(sight)
    assert (verdict.reader, verdict.evidence) == (reader, evidence)
    assert verdict.machine == (reader is Reader.MACHINE)
