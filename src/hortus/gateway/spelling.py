"""Does a request hold a member in a spelling that some hosts take for another one? Pure; top level only.

A host that looks at letters regardless of case (Go's decoder does) would read a second `Model` behind the one that was
judged; Google's takes `generation_config` for `generationConfig`. What was judged must be all that is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NoReturn

from hortus.canon.errors import InvalidRequest
from hortus.canon.form import Form

_LONGEST_SHOWN: Final = 64

_JUDGED: Final = frozenset(
    (
        *("model", "messages", "input", "system", "instructions", "prompt", "contents", "metadata", "user"),
        *("stream", "stream_options", "n", "max_tokens", "max_completion_tokens", "max_output_tokens"),
        *("store", "background", "previous_response_id", "conversation", "container", "context_management"),
        *("tools", "functions", "plugins", "mcp_servers", "web_search_options"),
        *("provider", "inference_geo", "service_tier"),
        *("purpose", "input_file_id", "training_file", "validation_file"),
        *("documents", "document", "query", "texts", "inputs", "images", "suffix"),
    )
)
"""Members that limits, budgets, policies and guards look at."""


_ONLY_ONCE: Final = frozenset(
    ("model", "hortus-model", "stream", "n", "prompt", "purpose", "response_format", "size", "quality")
)
"""Fields of forms that are judged or priced."""


def refuse_other_spellings(names: Iterable[str]) -> None:
    """Refuse a member that stands there twice in two spellings, or one that is judged in a spelling that is not.

    >>> refuse_other_spellings(["model", "Model"])
    Traceback (most recent call last):
    hortus.canon.errors.InvalidRequest: Model: Some hosts take this for `model`. Send one of the two.

    Raises:
        InvalidRequest: There is one.
    """
    names = tuple(names)
    if "".join(names).islower():
        return  # nearly always
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.replace("_", "").lower(), name)
        if other != name:
            _refuse(name, other, hint="Send one of the two.")
        lower = name.lower()
        if lower != name and lower in _JUDGED:
            _refuse(name, lower, hint="Write it in small letters.")


def refuse_other_names(form: Form) -> None:
    """Refuse a form in which what is judged stands twice, as a file, or in a list: hosts take one of them, or another.

    Raises:
        InvalidRequest: There is one.
    """
    seen: set[str] = set()
    for part in form.parts:
        plain = part.name.partition("[")[0]
        if plain.lower() in _ONLY_ONCE and (plain in seen or part.name != plain or part.value is None):
            raise InvalidRequest(
                "This field may stand in a form once, as a text.", path=plain, hint="Send one; no list, no file."
            )
        seen.add(plain)
    refuse_other_spellings(part.name for part in form.parts)


def _refuse(name: str, other: str, *, hint: str) -> NoReturn:
    shown, taken = name[:_LONGEST_SHOWN], other[:_LONGEST_SHOWN]
    raise InvalidRequest(f"Some hosts take this for `{taken}`.", path=shown, hint=hint)
