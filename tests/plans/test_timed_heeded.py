"""What a node heeds of what is known: facts beside these make no difference to what can happen."""

from plans.verify.check import check
from plans.verify.timed.course import course_of
from plans.verify.timed.liveness import view
from plans.verify.timed.outline import ACCEPTED, CLICKED, OPENED, REPLIED, Spot, outline
from tests.plans.plan_cases import plan
from tests.plans.timed_cases import END, mail, on
from tests.soundness.documents import Documents
from tests.soundness.wild_documents import WildDocuments

EVERYTHING = OPENED | CLICKED | REPLIED | ACCEPTED
SAMPLE = 150
LONGEST_S = 86_400 * 60


def spots(document: object) -> tuple[Spot, ...]:
    found = check(document).document
    return () if found is None else outline(course_of(found, (), None).compiled, 3_600).spots


def test_facts_that_a_node_does_not_heed_change_nothing_of_its_view() -> None:
    seen = 0
    for documents in (Documents(11), WildDocuments(12)):
        for spot in (spot for _ in range(SAMPLE) for spot in spots(documents.document())):
            for known in range(EVERYTHING + 1) if spot.watches else ():
                for standing in (False, True):
                    whole = view(spot, known, LONGEST_S, standing=standing)
                    heeded = view(spot, known & spot.heeded, LONGEST_S, standing=standing)
                    assert heeded == whole
                    seen += known != known & spot.heeded
    assert seen > SAMPLE


def test_a_click_that_was_missed_heeds_the_open_before_it() -> None:
    clicks = mail("m", on("clicked"), on("no_click", after="P1D"), on("timeout", after="P2D"))
    node, _ = spots(plan(clicks, END))
    assert node.heeded == CLICKED | OPENED
