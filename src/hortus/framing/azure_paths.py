"""Where do Azure's clients find what others find at `/v1`? Below the name of a deployment, which is the route.

https://learn.microsoft.com/azure/ai-foundry/openai/reference, recalled 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from hortus.canon.dialect import Operation


def at_deployments(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """Return the same operations at the paths of deployments, below a base only."""
    return tuple(
        replace(one, path=one.path.replace("/v1", "/deployments/{route}", 1), is_at_root=False) for one in operations
    )
