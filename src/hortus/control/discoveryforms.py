"""What the admin API takes and answers where a host is asked for what an account has there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hortus.control.models import FoundModel, HostAccount
from hortus.control.views import View

Standing = Literal["new", "there", "left out"]


class DiscoveryWanted(HostAccount):
    """An account at a host that is to be asked. Nothing is made; `hosts.connect` takes what is found."""

    list_url: Annotated[
        str | None,
        Field(description="Scheme and host of the lists where they are not the usual ones, as in a national cloud."),
    ] = None
    names: Annotated[
        tuple[FoundModel, ...],
        Field(max_length=500, description="Models by the account's own names, where the host does not list them."),
    ] = ()
    takes_all: Annotated[bool, Field(description="Models too that the catalog does not know.")] = False
    models: Annotated[
        tuple[str, ...], Field(description="Only these, by the catalog's or the host's names; empty: all.")
    ] = ()


class DiscoveredModel(View):
    """One model of an account, and what connecting it would make."""

    name: Annotated[str, Field(description="What the host calls it.")]
    model: Annotated[str, Field(description="The catalog's id, or the host's name where the catalog has none.")]
    route: str
    endpoint: str
    operations: tuple[str, ...]
    place: Annotated[str | None, Field(description="Where it computes, as far as is known.")] = None
    region: str | None = None
    facts: Annotated[dict[str, str], Field(default_factory=dict, description="What decides its place.")]
    is_known: Annotated[bool, Field(description="Whether the catalog knows the model.")] = True
    has_price: Annotated[bool, Field(description="Whether what it costs is known.")] = False
    standing: Standing = "new"
    why: Annotated[str | None, Field(description="Why it is left out.")] = None


class Discovery(View):
    """What an account has at a host."""

    host: str
    checked: Annotated[str, Field(description="Which call was made.")]
    models: list[DiscoveredModel]
    vanished: Annotated[
        tuple[str, ...], Field(description="Endpoints of this account that the host does not list any more.")
    ] = ()
    further: Annotated[int, Field(description="Listed models that the catalog does not know, not shown.")] = 0
    notes: tuple[str, ...] = ()
