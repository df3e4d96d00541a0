"""How many threads an engine gets where nobody says."""

import pytest

from hortus.engines import threads
from hortus.engines.memory import MIB
from hortus.engines.threads import threads_of
from hortus.snapshot.model import Deployment

GIB = 1024 * MIB


@pytest.mark.parametrize(
    ("said", "processors", "weights_bytes", "expected"),
    [
        (5, 2, MIB, 5),  # said is said
        (0, 16, 8 * MIB, 1),  # too small to share
        (0, 16, 100 * MIB, 4),
        (0, 16, 8 * GIB, 15),  # one processor is left for the door
        (0, 2, 8 * GIB, 1),
        (0, 1, 8 * GIB, 1),
        (0, 4, 0, 1),
    ],
)
def test_threads_follow_the_weights_and_leave_a_processor(
    monkeypatch: pytest.MonkeyPatch, said: int, processors: int, weights_bytes: int, expected: int
) -> None:
    monkeypatch.setattr(threads, "processors", lambda: processors)
    deployment = Deployment(name="one", engine="llamacpp", model_path="model.gguf", threads=said)
    assert threads_of(deployment, weights_bytes=weights_bytes) == expected
