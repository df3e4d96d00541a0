"""The key pair of a key, for clients that sign their requests: made anew each time it is shown, stored nowhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hortus.access.acts import FieldChange
from hortus.base.secrets import PairName, pair_secret, write_pair_name
from hortus.control import models
from hortus.control.errors import Conflict, NotFound
from hortus.control.noting import note_act
from hortus.control.plane import Plane
from hortus.control.tenancy import find_key
from hortus.control.views import Instant, View


class KeyPairView(View):
    """The key pair of a key, for clients that sign their requests as AWS's do; made anew, stored nowhere."""

    id: Annotated[str, Field(description="The key's id.")]
    name: str
    project: str
    access_key_id: Annotated[str, Field(description="What a program is given as `AWS_ACCESS_KEY_ID`.")]
    secret_access_key: Annotated[str, Field(description="And as `AWS_SECRET_ACCESS_KEY`. Keep it secret.")]
    expires_at_ms: Instant | None = None


def show_pair(plane: Plane, ask: models.OneKey) -> KeyPairView:
    """Return the key pair of a key, with its secret; who looked at it is written down."""
    key, now_ms = find_key(plane, ask.id), plane.ports.clock.now_ms()
    if key.revoked_at_ms is not None or (key.expires_at_ms is not None and key.expires_at_ms <= now_ms):
        raise Conflict("This key is revoked or expired, and its pair with it.", path="id", hint="Make a new key.")
    secret = plane.installation.secret_of(key.secret_version)
    if secret is None:
        message = f"Version {key.secret_version} of the installation's secret, which this key was made with, is gone."
        raise NotFound(message, path="id", hint="Make a new key.")
    name = write_pair_name(PairName(key.id, key.secret_version))
    field = FieldChange("access_key_id", after=f'"{name}"')
    note_act(plane.ports, "read", kind="key pair", name=key.id, project=key.project, field=field)
    return KeyPairView(
        id=key.id,
        name=key.name,
        project=key.project,
        access_key_id=name,
        secret_access_key=pair_secret(key.id, secret),
        expires_at_ms=key.expires_at_ms,
    )
