from hypothesis import given
from hypothesis import strategies as st

from hortus.base.ids import ENTROPY_BYTES, make_id

instants = st.integers(0, 2**48 - 1)
entropies = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)


@given(instants, instants, entropies, entropies)
def test_ids_sort_by_time(earlier: int, later: int, one: bytes, other: bytes) -> None:
    earlier, later = sorted((earlier, later))
    if earlier < later:
        assert make_id("rcp", earlier, entropy=one) < make_id("rcp", later, entropy=other)


@given(instants, entropies)
def test_ids_have_one_length_and_the_prefix(instant: int, entropy: bytes) -> None:
    made = make_id("rcp", instant, entropy=entropy)
    assert made.startswith("rcp_")
    assert len(made) == 30


@given(instants, entropies, entropies)
def test_different_entropy_gives_different_ids(instant: int, one: bytes, other: bytes) -> None:
    is_same = [byte % 32 for byte in one] == [byte % 32 for byte in other]
    assert is_same == (make_id("k", instant, entropy=one) == make_id("k", instant, entropy=other))
