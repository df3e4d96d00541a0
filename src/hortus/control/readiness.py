"""What can be called from here now? The gateway's own look at the snapshot, with engines and credentials filled in."""

from __future__ import annotations

from hortus.base.errors import ConfigurationError
from hortus.control.plane import Plane
from hortus.engines.addresses import address_file
from hortus.snapshot.model import WORKSHOP, Snapshot
from hortus.snapshot.reading import load_engine
from hortus.snapshot.resolved import Headers, Ready, resolve


def snapshot_of(plane: Plane) -> Snapshot:
    """Return the snapshot that is in place.

    Raises:
        InstallationError: There is none, and none can be written.
    """
    return plane.snapshot if plane.snapshot is not None else plane.recompile()


def ready_now(plane: Plane) -> Ready:
    """Return what the gateway makes of the snapshot at this moment."""
    snapshot = snapshot_of(plane)
    files = {
        name: load_engine(address_file(plane.installation.engines, name)) for name in (*snapshot.deployments, WORKSHOP)
    }

    def credential(reference: str) -> str:
        secret = plane.ports.credentials.read(reference)
        if secret is None:
            raise ConfigurationError(f"its credential {reference} is not here")
        return secret

    return resolve(
        snapshot,
        engines={name: file for name, file in files.items() if file is not None},
        credential=credential,
        authorizer=lambda _scheme, _reference: _Unasked(),
        signer=lambda _scheme, _reference: _Unasked(),
    )


class _Unasked:
    """Stands for whoever gives tokens or signs; here nobody is asked for it."""

    async def headers(self, endpoint: str) -> Headers:
        """Return none: nothing is sent from here."""
        raise ConfigurationError(f"nothing is sent to {endpoint} from here")

    async def sign(self, endpoint: str, *, method: str, url: str, headers: Headers, body: bytes) -> Headers:
        """Return none, likewise."""
        del method, url, headers, body
        return await self.headers(endpoint)
