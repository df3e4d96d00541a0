"""Facts as hosts state them, written by hand: what the verdicts of this folder are tried on.

Their values are those of late 2026 in form; the catalog's own rows are tried where the catalog is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec
from msgspec.structs import replace

from hortus.policy.facts import Facts, Gains, Lever, Reach

ON = date(2026, 11, 23)
CHAT = ("openai_chat",)
RESPONSES = ("openai_responses",)
BOTH = (*CHAT, *RESPONSES)
MESSAGES = ("anthropic_messages",)

NO_STORE = Lever(
    name="store=false", dialects=BOTH, gains=Gains(state_days=0), member="store", value=msgspec.Raw(b"false")
)
GEO_US = Lever(
    name="inference_geo=us",
    dialects=MESSAGES,
    gains=Gains(compute="US"),
    member="inference_geo",
    value=msgspec.Raw(b'"us"'),
)
NO_LOGS = Lever(
    name="x-no-retention",
    dialects=BOTH,
    gains=Gains(retention_days=0, state_days=0, trains=False),
    header="x-no-retention",
    value=msgspec.Raw(b'"true"'),
)

_US: Mapping[str, Reach] = {"US": "yes", "CN": "no"}
_EUROPEAN: Mapping[str, Reach] = {"US": "no", "CN": "no"}
_BASE = Facts(
    maker="openai",
    host="openai",
    state="current",
    confidence="stated",
    source="https://example.org/terms",
    checked_on=date(2026, 11, 1),
)

_OPENAI = replace(
    _BASE, operator="OpenAI", home="US", laws=_US, retention_days=30, state_days=30, trains=False, levers=(NO_STORE,)
)
_ANTHROPIC = replace(
    _BASE,
    maker="anthropic",
    host="anthropic",
    operator="Anthropic",
    home="US",
    laws=_US,
    storage="US",
    retention_days=30,
    state_days=0,
    trains=False,
)
_MISTRAL = replace(
    _BASE,
    maker="mistral",
    host="mistral",
    operator="Mistral AI",
    home="FR",
    laws={"US": "indirect", "CN": "no"},
    retention_days=30,
    state_days=0,
    trains=False,
    storage="EU*",
)
_AZURE = replace(_OPENAI, host="azure", operator="Microsoft", storage="SE")
_BEDROCK = replace(
    _BASE,
    maker="anthropic",
    host="bedrock",
    operator="Amazon Web Services",
    home="US",
    laws=_US,
    storage="DE",
    retention_days=30,
    state_days=0,
    trains=False,
)
_VERTEX = replace(
    _BEDROCK, maker="google", host="vertex", operator="Google Cloud", storage="NL", retention_days=1, levers=()
)
_SMALL = replace(
    _BASE,
    maker="meta",
    licence="Llama-3.3",
    open_weights=True,
    laws=_EUROPEAN,
    retention_days=0,
    state_days=0,
    trains=False,
)
_OWN = replace(
    _SMALL,
    maker="mistral",
    licence="Apache-2.0",
    host="local",
    operator="this organisation",
    laws={},
    is_own=True,
)

REAL: Mapping[str, Facts] = {
    "openai": replace(_OPENAI, compute="GLOBAL", storage="GLOBAL"),
    "openai-eu": replace(_OPENAI, host="openai-eu", compute="EU*", storage="EU*"),
    "anthropic": replace(_ANTHROPIC, compute="GLOBAL", undecided=("inference_geo",), levers=(GEO_US,)),
    "anthropic-us": replace(_ANTHROPIC, compute="US"),
    "azure-standard": replace(_AZURE, compute="SE"),
    "azure-data-zone": replace(_AZURE, compute="EU*"),
    "azure-global": replace(_AZURE, compute="GLOBAL"),
    "azure-without-sku": replace(_AZURE, compute="GLOBAL", undecided=("sku",)),
    "bedrock-frankfurt": replace(_BEDROCK, compute="DE"),
    "bedrock-eu": replace(_BEDROCK, compute="EU*"),
    "bedrock-global": replace(_BEDROCK, compute="GLOBAL"),
    "bedrock-london": replace(_BEDROCK, compute="GB", storage="GB"),
    "bedrock-zurich": replace(_BEDROCK, compute="CH", storage="CH"),
    "bedrock-without-prefix": replace(_BEDROCK, compute=None, undecided=("model_prefix",)),
    "vertex-netherlands": replace(_VERTEX, compute="NL"),
    "vertex-global": replace(_VERTEX, compute="GLOBAL"),
    "mistral": replace(_MISTRAL, compute="GLOBAL"),
    "mistral-eu": replace(_MISTRAL, compute="EU*"),
    "cohere": replace(
        _BASE,
        maker="cohere",
        host="cohere",
        operator="Cohere",
        home="CA",
        laws={"US": "indirect", "CN": "no"},
        trains=True,
        retention_days=30,
        state_days=0,
    ),
    "ovh": replace(_SMALL, host="ovh", operator="OVH", home="FR", compute="FR", storage="FR"),
    "scaleway": replace(_SMALL, host="scaleway", operator="Scaleway", home="FR", compute="FR"),
    "stackit": replace(_SMALL, host="stackit", operator="STACKIT", home="DE", compute="DE", storage="DE"),
    "aws-esc": replace(
        _BEDROCK,
        host="aws-esc",
        operator="AWS European Sovereign Cloud",
        home="DE",
        laws={"US": "disputed", "CN": "no"},
        compute="DE",
        retention_days=None,
        state_days=None,
        confidence="reported",
    ),
    "nordic": replace(_SMALL, host="nordic", operator="Nordic Cloud", home="NO", compute="NO", storage="NO"),
    "deepseek": replace(
        _BASE,
        maker="deepseek",
        host="deepseek",
        operator="DeepSeek",
        home="CN",
        laws={"CN": "yes", "US": "no"},
        compute="CN",
        storage="CN",
        confidence="recalled",
    ),
    "own-in-germany": replace(_OWN, compute="DE", home="DE"),
    "own-somewhere": _OWN,
    "own-in-the-us": replace(_OWN, compute="US", home="US"),
}
"""By a name for the case."""
