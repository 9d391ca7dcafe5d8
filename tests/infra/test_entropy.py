from infra.entropy import SeededRng, SystemRng


def test_the_same_seed_gives_the_same_chance() -> None:
    one, two, other = SeededRng(1), SeededRng(1), SeededRng(2)
    drawn = [one.new_id() for _ in range(3)]
    assert drawn == [two.new_id() for _ in range(3)]
    assert drawn != [other.new_id() for _ in range(3)]
    assert one.uniform(1, 2) == two.uniform(1, 2)


def test_ids_of_the_system_are_random_uuids_and_do_not_repeat() -> None:
    rng = SystemRng()
    ids = {rng.new_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert {each.version for each in ids} == {4}


def test_numbers_stay_in_their_bounds() -> None:
    for rng in (SystemRng(), SeededRng(3)):
        assert all(2.0 <= rng.uniform(2.0, 3.0) <= 3.0 for _ in range(100))
