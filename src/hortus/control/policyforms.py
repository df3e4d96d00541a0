"""What the admin API takes and answers about policies: rules, verdicts with their reasons, rehearsals."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from hortus.canon.loss import Strictness
from hortus.catalog.rows import Confidence, State
from hortus.control.endpointforms import Count, FactsView
from hortus.control.models import Ask, Name, ShortName
from hortus.control.views import ObjectView, View
from hortus.policy.rules import Treatment

Names = Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=1000)]
Places = Annotated[
    Names | None, Field(description="Countries (ISO 3166-1 alpha-2), `EU`, `EEA` or `ADEQUATE`; null demands nothing.")
]


class RulesForm(Ask):
    """What a policy demands; a member that is absent demands nothing."""

    description: Annotated[str, Field(max_length=1000, description="For people.")] = ""
    compute_in: Places = None
    store_in: Places = None
    operators_from: Places = None
    out_of_reach_of: Annotated[
        Names, Field(description="Countries whose authorities must not reach what is there.")
    ] = ()
    longest_retention_days: Annotated[Count | None, Field(description="The host keeps requests no longer.")] = None
    no_training: Annotated[bool, Field(description="The host does not train on requests.")] = False
    stateless: Annotated[bool, Field(description="The host keeps nothing for later requests.")] = False
    own_machines: Annotated[bool, Field(description="Only what the organisation itself runs.")] = False
    makers: Annotated[Names | None, Field(description="Only models of these makers (catalog ids).")] = None
    without_makers: Annotated[Names, Field(description="No models of these.")] = ()
    hosts: Annotated[Names | None, Field(description="Only these hosts (catalog ids).")] = None
    licences: Annotated[Names | None, Field(description="Only models under these licences.")] = None
    open_weights: Annotated[bool, Field(description="Only models whose weights are open.")] = False
    states: Annotated[tuple[State, ...] | None, Field(description="Only models in these states of their life.")] = None
    least_confidence: Annotated[Confidence | None, Field(description="Facts must be known at least so well.")] = None
    stale_facts: Annotated[
        Literal["allow", "refuse"], Field(description="Whether facts over their review period still count.")
    ] = "allow"
    personal_data: Annotated[Treatment, Field(description="What happens to personal data in requests.")] = "allow"
    personal_kinds: Annotated[Names, Field(description="Which kinds are looked for; empty: all.")] = ()
    secrets: Annotated[Treatment, Field(description="What happens to keys and passwords in requests.")] = "allow"
    blocked_words: Annotated[Names, Field(description="A request with one of these is refused.")] = ()
    unseen_content: Annotated[
        Literal["allow", "refuse"], Field(description="Whether images, sound and files pass where a guard is on.")
    ] = "refuse"
    loss: Annotated[Strictness | None, Field(description="Which losses refuse, where more than the project says.")] = (
        None
    )
    largest_request_kib: Annotated[Count | None, Field(description="Longest request body.")] = None
    tools: Annotated[Names | None, Field(description="Kinds of tools that requests may bring; null: all.")] = None
    keeps_content: Annotated[bool, Field(description="Whether Hortus may keep requests and answers.")] = True


class PolicyWanted(RulesForm):
    """A policy: what may go where."""

    name: ShortName


class OnePolicy(Ask):
    """A policy by its name."""

    name: ShortName


class RuleView(View):
    """One rule in words."""

    rule: Annotated[str, Field(description="The policy's member.")]
    says: Annotated[str, Field(description="A sentence for people.")]


class PolicyView(ObjectView):
    """A policy, what it says in words, and who uses it."""

    rules: Annotated[RulesForm, Field(description="As it is declared.")]
    words: Annotated[tuple[RuleView, ...], Field(description="One sentence for each rule; none: it demands nothing.")]
    mark: Annotated[str, Field(description="How receipts name it: `NAME~DIGEST`.")]
    projects: Annotated[tuple[str, ...], Field(description="Projects whose requests it judges.")] = ()
    shadow_of: Annotated[tuple[str, ...], Field(description="Projects for which it is only written down.")] = ()


class PolicyList(View):
    """Policies, by name, the ready-made ones among them."""

    policies: list[PolicyView]


class ExplainWanted(Ask):
    """A request that is not sent, and who would send it: a key or a project."""

    route: Name
    key: Annotated[str | None, Field(max_length=200, description="Id of a key, or a name that no other has.")] = None
    project: Annotated[str | None, Field(max_length=63, description="Name of a project, where no key is given.")] = None
    draft: Annotated[str | None, Field(max_length=63, description="A policy to judge by instead of its own.")] = None
    operation: Annotated[
        str | None, Field(max_length=40, description="Such as `rerank`; else a chat, or what the route's endpoints do.")
    ] = None
    request_bytes: Annotated[int, Field(ge=0, description="Length of the body.")] = 0
    tools: Annotated[tuple[str, ...], Field(description="Kinds of tools that the request brings.")] = ()
    names_history: Annotated[bool, Field(description="Whether it points at what a host keeps.")] = False


class RulingView(View):
    """One rule that says no."""

    rule: str
    reason: Annotated[str, Field(description="End of the sentence `it is ruled out because …`.")]


class EndpointVerdictView(View):
    """What a policy says of one endpoint of the route."""

    endpoint: str
    model: str | None = None
    is_allowed: bool
    rulings: tuple[RulingView, ...] = ()
    adaptations: Annotated[tuple[str, ...], Field(description="What would be asked of the host.")] = ()
    is_usable: Annotated[bool, Field(description="Whether it can be called now, whatever the policy says.")]
    reason: Annotated[str | None, Field(description="Why it cannot be called.")] = None
    facts: FactsView | None = None
    shadow_rulings: Annotated[tuple[RulingView, ...], Field(description="What the shadow policy says.")] = ()


class Explanation(View):
    """What the gateway would say, without anything being sent."""

    project: str
    route: str
    operation: Annotated[str, Field(description="What kind of request was judged.")]
    policy: str
    mark: Annotated[str, Field(description="How receipts name the policy.")]
    is_draft: Annotated[bool, Field(description="Whether it is another policy than the project's own.")]
    shadow_policy: str | None = None
    on: Annotated[date, Field(description="The day (UTC) for which it is said.")]
    may_use_route: Annotated[bool, Field(description="Whether the project's keys may use the route at all.")]
    is_allowed: Annotated[bool, Field(description="Whether the rules let it go to some endpoint.")]
    request_rulings: Annotated[tuple[RulingView, ...], Field(description="What is said of it wherever it goes.")] = ()
    shadow_request_rulings: tuple[RulingView, ...] = ()
    endpoints: list[EndpointVerdictView]
    content: Annotated[tuple[RuleView, ...], Field(description="What happens to its content.")] = ()
