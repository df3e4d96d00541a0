"""How Azure plays a scene: OpenAI's two interfaces below a deployment's path, with what its filters say around them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from hortus.testkit.scenes import openai_chat, openai_responses
from hortus.testkit.scenes.openai_shared import data
from hortus.testkit.scenes.values import NO_KEY, Asked, Fault, Play, Reply, Told, encoded

_SAFE: dict[str, Any] = {
    **{name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")},
    "jailbreak": {"filtered": False, "detected": False},
}
_PROMPT = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _SAFE}]}
_CODES = {404: "DeploymentNotFound", 429: "RateLimitReached", 403: "Forbidden", 413: "RequestEntityTooLarge"}
_NO_VERSION = "Resource not found"


class Azure:
    """One of OpenAI's dialects in Azure's way."""

    def __init__(self, dialect: ModuleType) -> None:
        self._of_openai: Any = dialect
        self.read = dialect.read
        self.stream_type = dialect.stream_type
        self.other = dialect.other

    def objection(self, asked: Asked) -> str:
        """Object as Azure does: to an address without version, to a key elsewhere than in its own header."""
        if "api-version" not in asked.query:
            return _NO_VERSION
        if "api-key" not in asked.headers:
            return NO_KEY
        bearer = asked.headers | {"authorization": "Bearer said otherwise"}
        said: str = self._of_openai.objection(Asked(asked.nonce, asked.model, asked.body, asked.query, bearer))
        return said

    def whole(self, play: Play, told: Told) -> dict[str, Any]:
        """Put an answer as one body, with the filters' results."""
        body: dict[str, Any] = self._of_openai.whole(play, told)
        if self._of_openai is openai_responses:
            return body | {"content_filters": [_filter("prompt"), _filter("completion")]}
        filtered = play.stop == "filter"
        for choice in body["choices"]:
            choice["content_filter_results"] = _SAFE | (
                {"hate": {"filtered": True, "severity": "high"}} if filtered else {}
            )
        return body | _PROMPT

    def frames(self, play: Play, told: Told) -> list[bytes]:
        """Put an answer as a stream's frames: first what the filters say of the prompt, last what they still had to."""
        found: list[bytes] = [one for one in self._of_openai.frames(play, told) if not one.startswith(b":")]
        if self._of_openai is openai_responses:
            return found
        empty = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
        ended: dict[str, Any] = {"index": 0, "finish_reason": None, "delta": {}, "content_filter_results": {}}
        late = empty | {"choices": [ended | {"content_filter_offsets": {"check_offset": 0, "end_offset": 42}}]}
        first = data(empty | _PROMPT)
        if found[-1] != b"data: [DONE]\n\n" or play.breaks_after >= 0:
            return [first, *found]
        return [first, *found[:-1], data(late), found[-1]]

    def error(self, fault: Fault, told: Told) -> Reply:
        """Put an error as Azure does: codes are words or a status as a text, and it may be worth no wait at all."""
        if fault.message == _NO_VERSION:
            return Reply(404, encoded({"error": {"code": "404", "message": _NO_VERSION}}))
        if fault.status not in {401, 404, 429}:
            of_openai: Reply = self._of_openai.error(fault, told)
            return of_openai
        code = "401" if fault.status == 401 else _CODES[fault.status]  # noqa: PLR2004 -- HTTP's "unauthorized"
        message = (
            "Access denied due to invalid subscription key or wrong API endpoint." if code == "401" else fault.message
        )
        waits = (("retry-after", str(fault.retry_after_s)), ("retry-after-ms", "0")) if fault.retry_after_s >= 0 else ()
        label = "text/event-stream" if fault.is_mislabelled else "application/json"
        return Reply(fault.status, encoded({"error": {"code": code, "message": message}}), waits, label)


def _filter(source: str) -> dict[str, Any]:
    return {"blocked": False, "source_type": source, "content_filter_raw": [], "content_filter_results": _SAFE}


CHAT = Azure(openai_chat)
RESPONSES = Azure(openai_responses)
