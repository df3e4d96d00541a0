"""The admin API as the CLI uses it: one method for each operation, answers as values, refusals as errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from hortus.base.errors import HortusError
from hortus.cli import policyreplies, replies
from hortus.cli.place import Installation, find_admin_token, find_installation
from hortus.cli.wire import call_admin
from hortus.gateway.ports import Body
from hortus.receipts.records import Receipt
from hortus.snapshot.declared import DeploymentSpec

PREFIX = "/admin/v1"
_FIRST_REFUSAL = 400
_NOT_FOUND = 404
_UNAUTHENTICATED = 401
_PAGE = 1000
"""Most receipts that one answer holds."""

Reply = TypeVar("Reply")
Query = Mapping[str, str | int | tuple[str, ...] | None]


class DeclinedError(HortusError):
    """The admin API said no; its own words and hint."""

    code = "declined"

    def __init__(self, message: str, *, status: int, path: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, path=path, hint=hint)
        self.status = status

    @property
    def is_absent(self) -> bool:
        """Whether there is nothing of that name."""
        return self.status == _NOT_FOUND


class Admin:
    """One installation's admin API.

    Raises:
        HortusError: Every method: the API cannot be reached (`UnreachableError`) or said no (`DeclinedError`).
    """

    def __init__(self, installation: Installation, token: str) -> None:
        self.installation = installation
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    @classmethod
    def here(cls) -> Self:
        """Return the one that this directory and environment mean.

        Raises:
            InstallationError: None runs here, or its token cannot be read.
        """
        installation = find_installation()
        return cls(installation, find_admin_token(installation))

    def status(self) -> replies.Status:
        """Return how the installation is doing."""
        return self._call("GET", "/status", into=replies.Status)

    def findings(self) -> list[replies.Finding]:
        """Return what the control process found when it looked around."""
        return self._list("/doctor", "findings", into=replies.Finding)

    def projects(self, *, include_retired: bool = False) -> list[replies.Project]:
        """Return the projects."""
        query = {"include_retired": "true"} if include_retired else None
        return self._list("/projects", "projects", into=replies.Project, query=query)

    def project(self, name: str) -> replies.Project:
        """Return one project."""
        return self._call("GET", f"/projects/{part(name)}", into=replies.Project)

    def create_project(self, name: str, *, routes: tuple[str, ...], **members: object) -> replies.Project:
        """Make a project; `members` are those of the API beside its routes."""
        body = {"name": name, "routes": routes, **members}
        return self._call("POST", "/projects", into=replies.Project, body=body)

    def set_routes(self, name: str, *, routes: tuple[str, ...]) -> replies.Project:
        """Say which routes a project may use from now on."""
        return self._call("PUT", f"/projects/{part(name)}/routes", into=replies.Project, body={"routes": routes})

    def set_loss(self, name: str, *, loss: str) -> replies.Project:
        """Say which losses refuse a project's requests from now on."""
        return self._call("PUT", f"/projects/{part(name)}/loss", into=replies.Project, body={"loss": loss})

    def set_policy(self, name: str, *, policy: str, shadow_policy: str | None) -> replies.Project:
        """Say which policies judge a project's requests from now on."""
        body = {"policy": policy, "shadow_policy": shadow_policy}
        return self._call("PUT", f"/projects/{part(name)}/policy", into=replies.Project, body=body)

    def set_keeping(self, name: str, *, days: int) -> replies.Project:
        """Say for how many days a project's requests and answers are kept."""
        body = {"keep_content_days": days}
        return self._call("PUT", f"/projects/{part(name)}/keeping", into=replies.Project, body=body)

    def allow(self, name: str, routes: tuple[str, ...]) -> replies.Project:
        """Let a project use further routes."""
        before = self.project(name).routes
        return self.set_routes(name, routes=tuple(dict.fromkeys((*before, *routes))))

    def retire_project(self, name: str) -> replies.Project:
        """Take a project out of use."""
        return self._call("DELETE", f"/projects/{part(name)}", into=replies.Project)

    def keys(self, project: str | None = None) -> list[replies.Key]:
        """Return keys."""
        return self._list("/keys", "keys", into=replies.Key, query={"project": project})

    def create_key(self, *, project: str, name: str, days: int | None = None) -> replies.NewKey:
        """Make a key, and its project if there is none."""
        body = {"project": project, "name": name, "expires_in_days": days}
        return self._call("POST", "/keys", into=replies.NewKey, body=body)

    def revoke_key(self, key_id: str) -> replies.Key:
        """Make a key useless."""
        return self._call("DELETE", f"/keys/{part(key_id)}", into=replies.Key)

    def key_pair(self, key_id: str) -> replies.KeyPair:
        """Return the key pair of a key."""
        return self._call("POST", f"/keys/{part(key_id)}/pair", into=replies.KeyPair)

    def routes(self) -> list[replies.Route]:
        """Return the routes."""
        return self._list("/routes", "routes", into=replies.Route)

    def endpoints(self) -> list[replies.Endpoint]:
        """Return the endpoints, deployments left out."""
        return self._list("/endpoints", "endpoints", into=replies.Endpoint)

    def limits(
        self, *, budgets: bool | None = None, project: str | None = None, include_retired: bool = False
    ) -> list[replies.Limit]:
        """Return the limits: all, only budgets, or only the others."""
        query = {
            "budgets": None if budgets is None else str(budgets).lower(),
            "project": project,
            "include_retired": str(include_retired).lower(),
        }
        return self._list("/limits", "limits", into=replies.Limit, query=query)

    def limit(self, name: str) -> replies.Limit:
        """Return one limit."""
        return self._call("GET", f"/limits/{part(name)}", into=replies.Limit)

    def set_limit(self, name: str, wanted: Mapping[str, object], *, is_new: bool) -> replies.Limit:
        """Make a limit, or change one as a whole."""
        if is_new:
            return self._call("POST", "/limits", into=replies.Limit, body={"name": name, **wanted})
        return self._call("PUT", f"/limits/{part(name)}", into=replies.Limit, body=wanted)

    def retire_limit(self, name: str) -> replies.Limit:
        """Take a limit out of use."""
        return self._call("DELETE", f"/limits/{part(name)}", into=replies.Limit)

    def policies(self, *, include_retired: bool = False) -> list[policyreplies.Policy]:
        """Return the policies, the ready-made ones among them."""
        query = {"include_retired": "true"} if include_retired else None
        return self._list("/policies", "policies", into=policyreplies.Policy, query=query)

    def policy(self, name: str) -> policyreplies.Policy:
        """Return one policy."""
        return self._call("GET", f"/policies/{part(name)}", into=policyreplies.Policy)

    def declare_policy(self, name: str, rules: Mapping[str, object], *, is_new: bool) -> policyreplies.Policy:
        """Make a policy, or change one as a whole."""
        if is_new:
            return self._call("POST", "/policies", into=policyreplies.Policy, body={"name": name, **rules})
        return self._call("PUT", f"/policies/{part(name)}", into=policyreplies.Policy, body=rules)

    def retire_policy(self, name: str) -> policyreplies.Policy:
        """Take a policy out of use."""
        return self._call("DELETE", f"/policies/{part(name)}", into=policyreplies.Policy)

    def explain(self, asked: Query, *, tools: tuple[str, ...] = ()) -> msgspec.Raw:
        """Return what would happen to a request, as it came."""
        return self._call("GET", "/policy/verdict", into=msgspec.Raw, query={**asked, "tools": tools})

    def rehearse(self, *, project: str, draft: str, days: int) -> msgspec.Raw:
        """Return what a policy would have changed about what a project sent, as it came."""
        body = {"project": project, "draft": draft, "days": days}
        return self._call("POST", "/policy/rehearsal", into=msgspec.Raw, body=body)

    def connect(self, host: str, wanted: Mapping[str, object]) -> replies.Connected:
        """Make a host's endpoints and routes, or say what would be made."""
        return self._call("POST", f"/hosts/{part(host)}/connect", into=replies.Connected, body=wanted)

    def discover(self, host: str, wanted: Mapping[str, object]) -> replies.Discovery:
        """Have a host asked what an account has there; nothing is made."""
        return self._call("POST", f"/hosts/{part(host)}/discover", into=replies.Discovery, body=wanted)

    def sync_catalog(self, hosts: tuple[str, ...] = ()) -> replies.SyncReport:
        """Ask lit hosts for their own lists."""
        return self._call("POST", "/catalog/sync", into=replies.SyncReport, body={"hosts": hosts})

    def deployments(self) -> list[replies.Deployment]:
        """Return the deployments with their engines' state."""
        return self._list("/deployments", "deployments", into=replies.Deployment)

    def deployment(self, name: str) -> replies.Deployment:
        """Return one deployment."""
        return self._call("GET", f"/deployments/{part(name)}", into=replies.Deployment)

    def deploy(self, spec: DeploymentSpec) -> replies.Deployment:
        """Have a model kept running."""
        return self._call("POST", "/deployments", into=replies.Deployment, body=msgspec.to_builtins(spec))

    def redeploy(self, spec: DeploymentSpec) -> replies.Deployment:
        """Change a model that is kept running; its engine is replaced without a failed request."""
        body = {name: value for name, value in msgspec.to_builtins(spec).items() if name != "name"}
        return self._call("PUT", f"/deployments/{part(spec.name)}", into=replies.Deployment, body=body)

    def retire_deployment(self, name: str) -> replies.Deployment:
        """Stop a model."""
        return self._call("DELETE", f"/deployments/{part(name)}", into=replies.Deployment)

    def receipts(self, *, project: str | None = None, count: int = 20) -> list[msgspec.Raw]:
        """Return receipts as they came, newest first; asks for as many pages as it takes."""
        found: list[msgspec.Raw] = []
        before: str | None = None
        while len(found) < count:
            query: Query = {"project": project, "limit": min(count - len(found), _PAGE), "before": before}
            page = self._list("/receipts", "receipts", into=msgspec.Raw, query=query)
            found.extend(page)
            if len(page) < _PAGE:
                break
            before = msgspec.json.decode(page[-1], type=Receipt).receipt_id
        return found

    def begin_export(self, query: Query) -> replies.Export:
        """Begin an export of the chain."""
        return self._call("GET", "/receipts/export", into=replies.Export, query=query)

    def export_lines(self, query: Query) -> replies.ExportLines:
        """Return the next lines of an export."""
        return self._call("GET", "/receipts/export/lines", into=replies.ExportLines, query=query)

    def proof(self, name: str) -> str:
        """Return a file to be held outside: `checkpoint` or `public-keys`."""
        return self._call("GET", f"/receipts/{name}", into=replies.Proof).text

    def acts(self, query: Query) -> list[msgspec.Raw]:
        """Return administrative acts as they came, newest first."""
        return self._list("/acts", "acts", into=msgspec.Raw, query=query)

    def find_content(self, wanted: Mapping[str, object]) -> replies.ContentFound:
        """Return a page of kept exchanges."""
        return self._call("POST", "/content/find", into=replies.ContentFound, body=wanted)

    def read_content(self, receipts: Sequence[str]) -> list[msgspec.Raw]:
        """Return kept exchanges with their words, as they came."""
        found = self._call(
            "POST", "/content/read", into=dict[str, list[msgspec.Raw]], body={"receipts": list(receipts)}
        )
        return found["exchanges"]

    def erase_content(self, receipts: Sequence[str], *, dry_run: bool) -> replies.ContentErased:
        """Erase kept exchanges for good, or say what would be."""
        body = {"receipts": list(receipts), "dry_run": dry_run}
        return self._call("POST", "/content/erase", into=replies.ContentErased, body=body)

    def receipt(self, receipt_id: str) -> msgspec.Raw:
        """Return one receipt as it came."""
        return self._call("GET", f"/receipts/{part(receipt_id)}", into=msgspec.Raw)

    def usage(self, question: Query) -> msgspec.Raw:
        """Return what receipts add up to, as it came."""
        return self._call("GET", "/usage", into=msgspec.Raw, query=question)

    def recompute_prices(self, *, since: str, project: str | None) -> msgspec.Raw:
        """Return what receipts would cost by today's price rows of their day, as it came."""
        query = {"since": since, "project": project}
        return self._call("GET", "/prices/recomputation", into=msgspec.Raw, query=query)

    def _list(self, path: str, member: str, *, into: type[Reply], query: Query | None = None) -> list[Reply]:
        whole: dict[str, Any] = self._call("GET", path, into=dict[str, msgspec.Raw], query=query)
        return msgspec.json.decode(whole.get(member, b"[]"), type=list[into])  # type: ignore[valid-type]  # built at run time

    def _call(
        self, method: str, path: str, *, into: type[Reply], query: Query | None = None, body: object = None
    ) -> Reply:
        content = msgspec.json.encode(body) if body is not None else b""
        return self._send(method, path, into=into, query=query, content=content)

    def _send(self, method: str, path: str, *, into: type[Reply], query: Query | None, content: Body) -> Reply:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{PREFIX}{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        answer = call_admin(self.installation, method, target, headers=self._headers, body=content)
        if answer.status >= _FIRST_REFUSAL:
            raise read_refusal(answer.body, answer.status, where=self.installation.admin)
        try:
            return msgspec.json.decode(answer.body, type=into)
        except msgspec.MsgspecError as error:
            raise HortusError(
                f"an answer that this version does not understand: {error}.",
                path=f"{self.installation.admin}{PREFIX}{path}",
                hint="Are CLI and `hortus up` of one version? `hortus doctor` says.",
            ) from error


class _Fault(msgspec.Struct, frozen=True):
    code: str
    message: str
    path: str | None = None
    hint: str | None = None


class _Wrapped(msgspec.Struct, frozen=True):
    error: _Fault


def read_refusal(body: bytes, status: int, *, where: str) -> DeclinedError:
    """Return the error in an admin answer; a body of another form is not quoted."""
    try:
        fault = msgspec.json.decode(body, type=_Wrapped).error
    except msgspec.MsgspecError:
        message = f"the admin API answered with status {status}."
        return DeclinedError(message, status=status, path=where, hint="`hortus doctor` may know why.")
    hint = fault.hint
    if status == _UNAUTHENTICATED:
        hint = "Set HORTUS_ADMIN_TOKEN to this installation's token, or run this as the user who runs Hortus."
    return DeclinedError(fault.message, status=status, path=fault.path, hint=hint)


def part(name: str) -> str:
    """A name as one part of a path; routes may hold slashes."""
    return quote(name, safe="")
