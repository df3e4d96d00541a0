"""How this dialect calls canonical fields, and what its own members weigh where they are lost."""

from __future__ import annotations

from hortus.canon.manifest import Vocabulary

VOCABULARY = Vocabulary(
    names={
        "ModerationRequest.inputs": "input",
        "ModerationTurn.parts": "",
        "Text.text": "",
        "Media.source": "",
        "ModerationResult.is_flagged": "flagged",
    },
    weights={"results[].category_applied_input_types": "advisory"},
)
