"""Copies of rows as text: ids, digests and positions become others, the rest stays."""

from bench.load.copies import Template

CAMPAIGN = "0192f3c4-5d6e-7a8b-9c0d-1e2f3a4b5c6d"
STREAM = "6a1f0c9e-2b7d-5e43-9a57-0d4c1b8e2f10"
DIGEST = "ab" * 32
STORED = STREAM.encode().hex()


def test_an_id_becomes_another_wherever_it_stands() -> None:
    text = f"{STREAM}\t\\\\x7b22{STORED}227d\n"
    copy = Template(text).copy(0xA, head=100)
    new = copy.partition("\t")[0]
    assert new[8:] == STREAM[8:]
    assert new[:8] != STREAM[:8]
    assert copy == f"{new}\t\\\\x7b22{new.encode().hex()}227d\n"


def test_what_is_to_be_kept_stays_also_inside_stored_facts() -> None:
    text = f"{CAMPAIGN}\t{CAMPAIGN.encode().hex()}\t{STREAM}\n"
    copy = Template(text, keep={CAMPAIGN}).copy(1, head=100)
    assert copy.startswith(f"{CAMPAIGN}\t{CAMPAIGN.encode().hex()}\t")
    assert not copy.endswith(f"{STREAM}\n")


def test_positions_move_on_by_the_head_for_each_copy() -> None:
    assert Template("@7@\t7\n").copy(3, head=100) == "307\t7\n"


def test_a_digest_becomes_another_but_the_hash_of_a_plan_stays() -> None:
    copy = Template(f"\\\\x{DIGEST}\tsha256:{DIGEST}\n").copy(2, head=100)
    assert copy.endswith(f"{DIGEST[8:]}\tsha256:{DIGEST}\n")
    assert not copy.startswith(f"\\\\x{DIGEST}")


def test_two_copies_share_no_id() -> None:
    template = Template(f"{STREAM}\n")
    assert len({template.copy(number, head=1) for number in range(1, 1_000)}) == 999
