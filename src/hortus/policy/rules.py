"""What may a policy demand? One Struct; a member that is absent demands nothing."""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.canon.loss import Strictness
from hortus.catalog.rows import Confidence, State

Treatment = Literal["allow", "pseudonymise", "refuse"]
"""What happens to what a guard finds: nothing, a placeholder in its stead, no request at all."""


class Policy(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What may go where. Places are ISO 3166-1 alpha-2 codes, `EU`, `EEA` or `ADEQUATE` (of EU adequacy decisions).

    Attributes:
        name: How projects refer to it.
        description: For people.
        compute_in: The endpoint computes within one of these places.
        store_in: What the host keeps lies within one of these; a host that keeps nothing always passes.
        operators_from: Places whose law binds the operator.
        out_of_reach_of: Countries whose authorities must not be able to demand what is there; `indirect` and `disputed`
            count as reach.
        longest_retention_days: The host keeps requests and answers no longer.
        no_training: The host does not train on them.
        stateless: The host keeps nothing for later requests.
        own_machines: Only endpoints that the organisation runs itself.
        makers: The models of these makers only (catalog ids).
        without_makers: Not those of these.
        hosts: These hosts only (catalog ids).
        licences: Models under these licences only.
        open_weights: Only models whose weights are open.
        states: Models in these states of their life only.
        least_confidence: Facts must be known at least so well: `stated`, `reported`, `recalled`.
        stale_facts: Whether facts that are over their review period still count.
        personal_data: What happens to personal data in requests.
        personal_kinds: Which kinds are looked for (`iban`, `email`, `national_id` …); empty: all.
        secrets: What happens to keys and passwords in requests.
        blocked_words: A request with one of these is refused; letters' case does not count.
        unseen_content: Whether images, sound and files pass where a guard is on, none of which it can look into.
        loss: Which losses refuse a request, where that is more than the project's own setting.
        largest_request_kib: Longest request body.
        tools: Kinds of tools that a request may bring: `function` (the client's own), `web_search`, `file_search`,
            `code_execution`, `mcp`, `computer`, or a host's own name of another one.
        keeps_content: Whether Hortus itself may keep requests and answers (kept content, response cache).
    """

    name: str
    description: str = ""
    compute_in: tuple[str, ...] | None = None
    store_in: tuple[str, ...] | None = None
    operators_from: tuple[str, ...] | None = None
    out_of_reach_of: tuple[str, ...] = ()
    longest_retention_days: int | None = None
    no_training: bool = False
    stateless: bool = False
    own_machines: bool = False
    makers: tuple[str, ...] | None = None
    without_makers: tuple[str, ...] = ()
    hosts: tuple[str, ...] | None = None
    licences: tuple[str, ...] | None = None
    open_weights: bool = False
    states: tuple[State, ...] | None = None
    least_confidence: Confidence | None = None
    stale_facts: Literal["allow", "refuse"] = "allow"
    personal_data: Treatment = "allow"
    personal_kinds: tuple[str, ...] = ()
    secrets: Treatment = "allow"
    blocked_words: tuple[str, ...] = ()
    unseen_content: Literal["allow", "refuse"] = "refuse"
    loss: Strictness | None = None
    largest_request_kib: int | None = None
    tools: tuple[str, ...] | None = None
    keeps_content: bool = True

    @property
    def looks_at_requests(self) -> bool:
        """Whether any rule asks of the request itself; see `verdict.judge_ask`."""
        is_bounded = self.tools is not None or self.largest_request_kib is not None
        return self.stateless or self.looks_at_content or is_bounded

    @property
    def looks_at_content(self) -> bool:
        """Whether any guard has to look at requests."""
        return self.personal_data != "allow" or self.secrets != "allow" or bool(self.blocked_words)
