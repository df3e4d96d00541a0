"""What the admin API needs from outside: the store's tables, the clock, randomness and credentials.

`store` implements the tables, `app` joins them; this floor imports neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Protocol

from hortus.access.acts import Act
from hortus.access.objects import Key, Organisation, Project
from hortus.canon.dialect import HostIdKind
from hortus.catalog.rows import Auth
from hortus.content.archive import Erased
from hortus.content.exchange import Entry, Exchange, Wanted
from hortus.content.exchange import Extent as ContentExtent
from hortus.gateway.ports import HostRequest
from hortus.policy.rehearsing import Row
from hortus.policy.rules import Policy
from hortus.receipts.chain import Flaw, Place
from hortus.receipts.exporting import Extent
from hortus.receipts.exporting import Wanted as Shown
from hortus.receipts.records import Receipt
from hortus.receipts.rollups import Answer, Question
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, LimitSpec, ProjectSpec, RateSpec, RouteSpec
from hortus.snapshot.resolved import Headers

Declared = EndpointSpec | RouteSpec | DeploymentSpec | LimitSpec | RateSpec | Policy
"""What the object table keeps, by kind: `endpoint`, `route`, `deployment`, `limit`, `rate`, `policy`."""


class StoredObject(Protocol):
    """A declared object as the store keeps it; `where` is file and line when `origin` is `file`."""

    @property
    def kind(self) -> str: ...  # noqa: D102 -- fields of a value
    @property
    def name(self) -> str: ...  # noqa: D102 -- see above
    @property
    def spec(self) -> Declared: ...  # noqa: D102 -- see above
    @property
    def origin(self) -> str: ...  # noqa: D102 -- see above
    @property
    def where(self) -> str | None: ...  # noqa: D102 -- see above
    @property
    def created_at_ms(self) -> int: ...  # noqa: D102 -- see above
    @property
    def updated_at_ms(self) -> int: ...  # noqa: D102 -- see above
    @property
    def retired_at_ms(self) -> int | None: ...  # noqa: D102 -- see above


class Objects(Protocol):
    """Endpoints, routes, deployments, limits, rates and policies."""

    def list(self, kind: str, include_retired: bool = False) -> Sequence[StoredObject]:  # noqa: FBT001, FBT002 -- the store's own signature
        """Return the objects of one kind, by name."""
        ...

    def get(self, kind: str, name: str) -> StoredObject | None:
        """Return one object, retired or not; None where there never was one."""
        ...

    def put(self, spec: Declared, *, origin: str, where: str | None) -> StoredObject:
        """Make an object or replace it; a retired one comes back."""
        ...

    def retire(self, kind: str, name: str) -> None:
        """Take an object out of use; its record stays."""
        ...

    def objects_version(self) -> int:
        """Return a number that grows with every change."""
        ...


class Access(Protocol):
    """Organisation, projects and keys."""

    def organisation(self) -> Organisation:
        """Return the owner of this installation."""
        ...

    def rename_organisation(self, name: str) -> Organisation:
        """Give the organisation another name."""
        ...

    def projects(self, include_retired: bool = False) -> Sequence[Project]:  # noqa: FBT001, FBT002 -- the store's own signature
        """Return the projects, by name."""
        ...

    def project(self, name: str) -> Project | None:
        """Return one project, retired or not; None where there never was one."""
        ...

    def put_project(self, spec: ProjectSpec, *, origin: str) -> Project:
        """Make a project or replace its routes; a retired one comes back."""
        ...

    def retire_project(self, name: str) -> None:
        """Take a project out of use; its keys no longer work."""
        ...

    def keys(self, project: str | None = None) -> Sequence[Key]:
        """Return the keys of one project, or all."""
        ...

    def add_key(
        self, *, project: str, name: str, digest: str, hint: str, secret_version: int, expires_at_ms: int | None
    ) -> Key:
        """Keep a new key's digest."""
        ...

    def revoke_key(self, key_id: str) -> Key:
        """Make a key useless at once."""
        ...


class Sent(Protocol):
    """Sums of what was sent, and the marks of the policies by which it was judged."""

    @property
    def rows(self) -> Sequence[Row]: ...  # noqa: D102 -- fields of a value
    @property
    def marks(self) -> AbstractSet[str]: ...  # noqa: D102 -- see above


class Receipts(Protocol):
    """Receipts, as the ledger has taken them in."""

    def receipts(
        self,
        *,
        project: str | None = None,
        route: str | None = None,
        limit: int = 20,
        before: str | None = None,
        status: str | None = None,
        since_ms: int | None = None,
    ) -> Sequence[Receipt]:
        """Return receipts, newest first; `before` is the id of the last one already seen."""
        ...

    def receipt(self, receipt_id: str) -> Receipt | None:
        """Return one receipt."""
        ...

    def usage(self, question: Question) -> Answer:
        """Return what receipts add up to.

        Raises:
            hortus.receipts.rollups.TooMany: The groups are more than anybody can use.
        """
        ...

    def sent(self, *, project_id: str, since_ms: int) -> Sent:
        """Return what a project sent since an instant, and what its policy or guards refused."""
        ...

    def receipts_without_usage(self, since_ms: int) -> int:
        """Return how many receipts since an instant are not in the sums of usage: 0, or something is wrong."""
        ...


class ChainedAct(Protocol):
    """An act and its place in the chain."""

    @property
    def act(self) -> Act: ...  # noqa: D102 -- fields of a value
    @property
    def seq(self) -> int | None: ...  # noqa: D102 -- see above


class Acts(Protocol):
    """Administrative acts."""

    def acts(
        self, *, kind: str | None = None, project: str | None = None, limit: int = 20, before: str | None = None
    ) -> Sequence[ChainedAct]:
        """Return acts, newest first; `before` is the id of the last one already seen."""
        ...

    def note(self, act: Act) -> None:
        """Write down an act that changes nothing in the store."""
        ...


class Content(Protocol):
    """What is kept of requests and answers."""

    def extent(self, wanted: Wanted) -> ContentExtent:
        """Return how many exchanges are meant."""
        ...

    def entries(self, wanted: Wanted, *, after: int, last: int, limit: int) -> Sequence[Entry]:
        """Return those that are meant, oldest first, without their words."""
        ...

    def read(self, entries: Sequence[Entry]) -> Sequence[Exchange]:
        """Return them with their words, without those that cannot be opened."""
        ...

    def mentioning(self, entries: Sequence[Entry], words: str) -> Sequence[Entry]:
        """Return those that mention words."""
        ...

    def erase(self, receipt_ids: Sequence[str]) -> Erased:
        """Remove exchanges for good, with what came with them."""
        ...

    def claim(self, project_id: str, endpoint: str, kind: HostIdKind, host_id: str) -> None:
        """Remember whose something is that an endpoint keeps until it is deleted; raises HortusError."""
        ...


class Chain(Protocol):
    """The chain of receipts and acts, to be read."""

    def place(self) -> Place:
        """Return where it stands."""
        ...

    def extent(self, wanted: Shown) -> Extent | None:
        """Return the part that holds all that is wanted, None where that is nothing."""
        ...

    def lines(self, wanted: Shown, *, after: int, last: int, limit: int) -> tuple[list[bytes], int]:
        """Return lines of an export after an entry, and the last entry that they stand for."""
        ...

    def find_flaw(self, *, newest: int) -> Flaw | None:
        """Return the first of the newest entries that is not what was chained."""
        ...


class PoolFigures(Protocol):
    """What is taken of one limit in one period."""

    @property
    def spent(self) -> Decimal: ...  # noqa: D102 -- fields of a value
    @property
    def reserved(self) -> Decimal: ...  # noqa: D102 -- see above
    @property
    def leased(self) -> Decimal: ...  # noqa: D102 -- see above


class Pools(Protocol):
    """What limits have been used for, as far as the ledger knows."""

    def figures(self, at_ms: int) -> Mapping[str, PoolFigures]:
        """Return the figures of pools whose period an instant lies in, by their ids; those never used are left out."""
        ...


class Credentials(Protocol):
    """What references such as `env:NAME` and `file:NAME` stand for."""

    def is_present(self, reference: str) -> bool:
        """Tell whether there is a secret behind the reference."""
        ...

    def read(self, reference: str) -> str | None:
        """Return the secret, None where there is none. It goes to the host and nowhere else."""
        ...


class Opening(Protocol):
    """Opens calls to hosts as the workers do."""

    async def headers(self, auth: Auth, reference: str, *, request: HostRequest, audience: str = "") -> Headers:
        """Return the headers that open one call; they go to the host and nowhere else.

        Args:
            auth: The scheme.
            reference: Of the credential.
            request: The call; a signature is one of the whole of it.
            audience: For what a token of Entra ID is asked, where it is not the usual one.

        Raises:
            ConfigurationError: There is no such credential, or it is of no use.
            HostFault: What opens the host could not be had.
        """
        ...


class Entropy(Protocol):
    """The system's secure source of randomness."""

    def __call__(self, count: int, /) -> bytes:
        """Return `count` random bytes."""
        ...


HostVariables = Mapping[str, str]
"""Environment variable that lights each host, by the host's id."""
