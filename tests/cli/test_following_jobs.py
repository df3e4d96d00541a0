"""What following a job does with Ctrl-C."""

from __future__ import annotations

import os
import signal

import pytest

from hortus.cli.following import interrupts


class Interrupted:
    """Ctrl-C falls into its destructor."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_in_a_destructor_is_not_lost() -> None:
    with interrupts() as is_interrupted:
        assert not is_interrupted()
        Interrupted()
        assert is_interrupted()


def test_ctrl_c_anywhere_else_interrupts_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interrupts():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
