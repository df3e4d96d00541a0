"""Orders on disk: control writes one file for each job that is not over, the runner follows them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hortus.jobs.steps import Order
from hortus.jobs.wholefiles import write_whole

_SUFFIX = ".json"


def write_order(folder: Path, job_id: str, order: Order) -> None:
    """Replace a job's order whole; only its owner can read it."""
    write_whole(folder / f"{job_id}{_SUFFIX}", msgspec.json.encode(order), outlives_power=False)


def read_orders(folder: Path) -> dict[str, Order]:
    """Return the orders by the ids of their jobs; one that cannot be read does not count."""
    found: dict[str, Order] = {}
    if not folder.is_dir():
        return found
    for path in sorted(folder.glob(f"[!.]*{_SUFFIX}")):
        try:
            found[path.stem] = msgspec.json.decode(path.read_bytes(), type=Order)
        except (FileNotFoundError, msgspec.DecodeError):
            continue  # removed while we looked
    return found


def remove_order(folder: Path, job_id: str) -> None:
    """Take a job's order back: what it started is ended."""
    (folder / f"{job_id}{_SUFFIX}").unlink(missing_ok=True)
