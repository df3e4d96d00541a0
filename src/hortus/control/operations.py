"""Every admin operation, one row each; API, OpenAPI, CLI, permission tests and console menus are made from this table.

To add one: write its function `(plane, ask) -> view` and add a row.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from hortus.control import (
    browsing,
    connecting,
    contentforms,
    declaring,
    discovering,
    explaining,
    keptcontent,
    limitforms,
    limiting,
    models,
    pairing,
    policing,
    policyforms,
    price_views,
    proofforms,
    proving,
    rehearsal,
    rehearsalforms,
    reporting,
    repricing,
    tenancy,
    usage,
    usage_views,
    views,
)
from hortus.control.discoveryforms import Discovery, DiscoveryWanted
from hortus.control.endpointforms import EndpointList, EndpointView, EndpointWanted
from hortus.control.plane import Plane

PREFIX = "/admin/v1"

Permission = Literal["look", "change"]
"""What a caller must be allowed: to see everything, or to change it. The admin token allows both."""

Run = Callable[[Plane, Any], views.View] | Callable[[Plane, Any], Awaitable[views.View]]


class Operation(msgspec.Struct, frozen=True):
    """One thing that an admin can do.

    Attributes:
        name: Noun and verb, such as `keys.create`; also the id in OpenAPI.
        path: Below `/admin/v1`; members of `takes` in braces come out of the path.
        takes: What is asked: in the query for GET and DELETE, else in the body.
        gives: What is answered.
        run: Does it; its first line says what. One that waits for a host is a coroutine function.
        status: HTTP status of success.
        changes: Whether it changes anything here, so that it waits its turn, where its permission is to change.
    """

    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    permission: Permission
    takes: type[models.Ask]
    gives: type[views.View]
    run: Run
    status: int = 200
    changes: bool = True

    @property
    def summary(self) -> str:
        """One sentence for people: the first line of the function's docstring."""
        return (self.run.__doc__ or "").strip().split("\n")[0]


OPERATIONS: tuple[Operation, ...] = (
    Operation("status.show", "GET", "/status", "look", models.Nothing, views.StatusView, reporting.show_status),
    Operation("doctor.examine", "GET", "/doctor", "look", models.Nothing, views.DoctorView, reporting.examine),
    Operation(
        "organisation.show",
        "GET",
        "/organisation",
        "look",
        models.Nothing,
        views.OrganisationView,
        tenancy.show_organisation,
    ),
    Operation(
        "organisation.rename",
        "PUT",
        "/organisation",
        "change",
        models.OrganisationName,
        views.OrganisationView,
        tenancy.rename_organisation,
    ),
    Operation("projects.list", "GET", "/projects", "look", models.Everything, views.ProjectList, tenancy.list_projects),
    Operation(
        "projects.create",
        "POST",
        "/projects",
        "change",
        models.ProjectWanted,
        views.ProjectView,
        tenancy.create_project,
        status=201,
    ),
    Operation(
        "projects.show", "GET", "/projects/{name}", "look", models.OneProject, views.ProjectView, tenancy.show_project
    ),
    Operation(
        "projects.set_routes",
        "PUT",
        "/projects/{name}/routes",
        "change",
        models.ProjectRoutes,
        views.ProjectView,
        tenancy.set_project_routes,
    ),
    Operation(
        "projects.set_loss",
        "PUT",
        "/projects/{name}/loss",
        "change",
        models.ProjectLoss,
        views.ProjectView,
        tenancy.set_project_loss,
    ),
    Operation(
        "projects.set_policy",
        "PUT",
        "/projects/{name}/policy",
        "change",
        models.ProjectPolicy,
        views.ProjectView,
        tenancy.set_project_policy,
    ),
    Operation(
        "projects.set_keeping",
        "PUT",
        "/projects/{name}/keeping",
        "change",
        models.ProjectKeeping,
        views.ProjectView,
        tenancy.set_project_keeping,
    ),
    Operation(
        "projects.retire",
        "DELETE",
        "/projects/{name}",
        "change",
        models.OneProject,
        views.ProjectView,
        tenancy.retire_project,
    ),
    Operation("keys.list", "GET", "/keys", "look", models.KeysWanted, views.KeyList, tenancy.list_keys),
    Operation("keys.create", "POST", "/keys", "change", models.KeyWanted, views.NewKey, tenancy.create_key, status=201),
    Operation("keys.revoke", "DELETE", "/keys/{id}", "change", models.OneKey, views.KeyView, tenancy.revoke_key),
    Operation("keys.pair", "POST", "/keys/{id}/pair", "change", models.OneKey, pairing.KeyPairView, pairing.show_pair),
    Operation("endpoints.list", "GET", "/endpoints", "look", models.Everything, EndpointList, declaring.list_endpoints),
    Operation(
        "endpoints.create",
        "POST",
        "/endpoints",
        "change",
        EndpointWanted,
        EndpointView,
        declaring.create_endpoint,
        status=201,
    ),
    Operation(
        "endpoints.show",
        "GET",
        "/endpoints/{name}",
        "look",
        models.OneObject,
        EndpointView,
        declaring.show_endpoint,
    ),
    Operation(
        "endpoints.replace",
        "PUT",
        "/endpoints/{name}",
        "change",
        EndpointWanted,
        EndpointView,
        declaring.replace_endpoint,
    ),
    Operation(
        "endpoints.retire",
        "DELETE",
        "/endpoints/{name}",
        "change",
        models.OneObject,
        EndpointView,
        declaring.retire_endpoint,
    ),
    Operation("routes.list", "GET", "/routes", "look", models.Everything, views.RouteList, declaring.list_routes),
    Operation(
        "routes.create",
        "POST",
        "/routes",
        "change",
        models.RouteWanted,
        views.RouteView,
        declaring.create_route,
        status=201,
    ),
    Operation("routes.show", "GET", "/routes/{name}", "look", models.OneObject, views.RouteView, declaring.show_route),
    Operation(
        "routes.replace",
        "PUT",
        "/routes/{name}",
        "change",
        models.RouteWanted,
        views.RouteView,
        declaring.replace_route,
    ),
    Operation(
        "routes.retire", "DELETE", "/routes/{name}", "change", models.OneObject, views.RouteView, declaring.retire_route
    ),
    Operation(
        "deployments.list",
        "GET",
        "/deployments",
        "look",
        models.Everything,
        views.DeploymentList,
        declaring.list_deployments,
    ),
    Operation(
        "deployments.create",
        "POST",
        "/deployments",
        "change",
        models.DeploymentWanted,
        views.DeploymentView,
        declaring.create_deployment,
        status=201,
    ),
    Operation(
        "deployments.show",
        "GET",
        "/deployments/{name}",
        "look",
        models.OneObject,
        views.DeploymentView,
        declaring.show_deployment,
    ),
    Operation(
        "deployments.retire",
        "DELETE",
        "/deployments/{name}",
        "change",
        models.OneObject,
        views.DeploymentView,
        declaring.retire_deployment,
    ),
    Operation(
        "limits.list", "GET", "/limits", "look", limitforms.LimitsWanted, limitforms.LimitList, limiting.list_limits
    ),
    Operation(
        "limits.create",
        "POST",
        "/limits",
        "change",
        limitforms.LimitWanted,
        limitforms.LimitView,
        limiting.create_limit,
        status=201,
    ),
    Operation(
        "limits.show", "GET", "/limits/{name}", "look", limitforms.OneLimit, limitforms.LimitView, limiting.show_limit
    ),
    Operation(
        "limits.replace",
        "PUT",
        "/limits/{name}",
        "change",
        limitforms.LimitWanted,
        limitforms.LimitView,
        limiting.replace_limit,
    ),
    Operation(
        "limits.retire",
        "DELETE",
        "/limits/{name}",
        "change",
        limitforms.OneLimit,
        limitforms.LimitView,
        limiting.retire_limit,
    ),
    Operation("rates.list", "GET", "/rates", "look", models.Everything, limitforms.RateList, limiting.list_rates),
    Operation(
        "rates.create",
        "POST",
        "/rates",
        "change",
        limitforms.RateWanted,
        limitforms.RateView,
        limiting.create_rate,
        status=201,
    ),
    Operation(
        "rates.retire",
        "DELETE",
        "/rates/{name}",
        "change",
        limitforms.OneRate,
        limitforms.RateView,
        limiting.retire_rate,
    ),
    Operation(
        "policies.list", "GET", "/policies", "look", models.Everything, policyforms.PolicyList, policing.list_policies
    ),
    Operation(
        "policies.create",
        "POST",
        "/policies",
        "change",
        policyforms.PolicyWanted,
        policyforms.PolicyView,
        policing.create_policy,
        status=201,
    ),
    Operation(
        "policies.show",
        "GET",
        "/policies/{name}",
        "look",
        policyforms.OnePolicy,
        policyforms.PolicyView,
        policing.show_policy,
    ),
    Operation(
        "policies.replace",
        "PUT",
        "/policies/{name}",
        "change",
        policyforms.PolicyWanted,
        policyforms.PolicyView,
        policing.replace_policy,
    ),
    Operation(
        "policies.retire",
        "DELETE",
        "/policies/{name}",
        "change",
        policyforms.OnePolicy,
        policyforms.PolicyView,
        policing.retire_policy,
    ),
    Operation(
        "policies.explain",
        "GET",
        "/policy/verdict",
        "look",
        policyforms.ExplainWanted,
        policyforms.Explanation,
        explaining.explain_policy,
    ),
    Operation(
        "policies.rehearse",
        "POST",
        "/policy/rehearsal",
        "look",
        rehearsalforms.RehearsalWanted,
        rehearsalforms.RehearsalView,
        rehearsal.rehearse_policy,
    ),
    Operation("hosts.list", "GET", "/hosts", "look", models.Nothing, views.HostList, connecting.list_hosts),
    Operation(
        "hosts.discover",
        "POST",
        "/hosts/{host}/discover",
        "change",
        DiscoveryWanted,
        Discovery,
        discovering.discover_host,
        changes=False,
    ),
    Operation(
        "hosts.connect",
        "POST",
        "/hosts/{host}/connect",
        "change",
        models.HostWanted,
        views.Connected,
        connecting.connect_host,
    ),
    Operation(
        "catalog.search", "GET", "/catalog", "look", models.CatalogQuery, views.ModelList, browsing.search_catalog
    ),
    Operation(
        "catalog.sync",
        "POST",
        "/catalog/sync",
        "look",
        models.SyncWanted,
        views.SyncReportView,
        browsing.sync_catalog,
    ),
    Operation(
        "receipts.list", "GET", "/receipts", "look", models.ReceiptQuery, views.ReceiptList, reporting.list_receipts
    ),
    Operation(
        "receipts.export",
        "GET",
        "/receipts/export",
        "look",
        proofforms.ExportWanted,
        proofforms.ExportView,
        proving.begin_export,
    ),
    Operation(
        "receipts.export_lines",
        "GET",
        "/receipts/export/lines",
        "look",
        proofforms.LinesWanted,
        proofforms.LinesView,
        proving.export_lines,
    ),
    Operation(
        "receipts.checkpoint",
        "GET",
        "/receipts/checkpoint",
        "look",
        models.Nothing,
        proofforms.ProofView,
        proving.make_checkpoint,
    ),
    Operation(
        "receipts.public_keys",
        "GET",
        "/receipts/public-keys",
        "look",
        models.Nothing,
        proofforms.ProofView,
        proving.show_public_keys,
    ),
    Operation(
        "content.find",
        "POST",
        "/content/find",
        "look",
        contentforms.ContentWanted,
        contentforms.ContentFound,
        keptcontent.find_content,
    ),
    Operation(
        "content.read",
        "POST",
        "/content/read",
        "look",
        contentforms.ContentRead,
        contentforms.ContentView,
        keptcontent.read_content,
    ),
    Operation(
        "content.erase",
        "POST",
        "/content/erase",
        "change",
        contentforms.EraseWanted,
        contentforms.ContentErased,
        keptcontent.erase_content,
    ),
    Operation(
        "receipts.show", "GET", "/receipts/{id}", "look", models.OneReceipt, views.ReceiptView, reporting.show_receipt
    ),
    Operation(
        "prices.recompute",
        "GET",
        "/prices/recomputation",
        "look",
        price_views.RecomputeQuery,
        price_views.Recomputation,
        repricing.recompute_prices,
    ),
    Operation("usage.show", "GET", "/usage", "look", usage_views.UsageQuery, usage_views.UsageReport, usage.show_usage),
    Operation("acts.list", "GET", "/acts", "look", proofforms.ActsWanted, proofforms.ActList, proving.list_acts),
    Operation("config.show", "GET", "/config", "look", models.Nothing, views.ConfigView, reporting.show_config),
    Operation(
        "config.apply", "POST", "/config/apply", "change", models.ConfigWanted, views.ConfigPlan, reporting.apply_config
    ),
)
"""One row each. Names of endpoints and routes may hold slashes."""
