"""Lets a process die with its parent, also when the parent is killed with SIGKILL and can tell nobody.

Linux sends the signal when the parent's *thread* that forked ends: fork from the main thread only.
"""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(expected_parent: int | None = None, *, signal_number: int = signal.SIGKILL) -> None:
    """Ask the kernel to end this process when its parent ends, and end it now if that has happened already.

    Args:
        expected_parent: Process id of the parent, told by itself, so that a parent that died before this call is
            noticed. Without it only a parent that died before the call *and* left this process to init is.
        signal_number: What the kernel sends.

    Raises:
        OSError: The kernel refuses.
        SystemExit: The parent is gone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl(PR_SET_PDEATHSIG): {os.strerror(code)}")
    parent = os.getppid()
    is_orphan = parent != expected_parent if expected_parent is not None else parent == 1 and os.getpid() != 1
    if is_orphan:
        raise SystemExit(f"the process that started this one is gone (expected parent {expected_parent}).")
