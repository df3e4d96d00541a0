"""The workshop of one control process: its use cases, made of what the plane holds."""

from __future__ import annotations

from hortus.control.plane import Plane
from hortus.control.workshop.bases import Bases
from hortus.control.workshop.service import Workshop
from hortus.snapshot.model import WORKSHOP


def bases_of(plane: Plane) -> Bases:
    """Return what finds bases by their names."""
    return Bases(plane.ports.jobs, places=plane.installation.workshop, snapshot=lambda: plane.snapshot)


def workshop_of(plane: Plane) -> Workshop:
    """Return what can be done with files and jobs."""
    return Workshop(
        plane.ports.jobs,
        plane.installation.workshop,
        find_base=bases_of(plane).find,
        clock=plane.ports.clock,
        entropy=plane.ports.entropy,
        claim=lambda project_id, kind, thing_id: plane.ports.content.claim(project_id, WORKSHOP, kind, thing_id),
    )
