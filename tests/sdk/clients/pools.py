"""On which port of ours did an SDK that is built on urllib3 speak last? Neither boto3 nor requests says so."""

from __future__ import annotations

from typing import Any


def local_port(manager: Any, raw: Any) -> int:
    """Look for the connection in the pool, where it lies after a whole answer, or beside the answer; 0: it is gone."""
    pool = manager.pools[next(iter(manager.pools.keys()))]
    idle = [one for one in pool.pool.queue if one is not None]
    connection = idle[-1] if idle else raw._connection
    socket = connection.sock if connection else None
    return int(socket.getsockname()[1]) if socket else 0
