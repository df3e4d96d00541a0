"""What does the saved model answer? Greedy answers of the weights as they are served, for the gate to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import torch
from transformers import AutoTokenizer

from hortus.jobs.examples import Example
from hortus.jobs.references import LIKELIEST, Reference
from hortus.tuning.encoding import Encoder
from hortus.tuning.ground import load_model

_SHORTEST, _LONGEST = 16, 256
_encode = msgspec.json.Encoder().encode


class Answerer:
    """A saved model that answers one prompt at a time; its rounded weights compute in float32.

    Args:
        folder: Of model and tokenizer.
        device: Such as `cpu` or `cuda`.
        day: Today: engines tell it to templates that write it.
    """

    def __init__(self, folder: Path, *, device: str, day: datetime) -> None:
        self._model = load_model(folder).to(device).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self._device = device
        own = self._model.generation_config.eos_token_id
        listed = own if isinstance(own, list) else [own]
        self._ends = [one for one in {*listed, self._tokenizer.eos_token_id} if one is not None]
        self._encoder = Encoder(self._tokenizer, ends=self._ends, max_tokens=1 << 30, day=day)

    def answer(self, example: Example, *, max_tokens: int) -> Reference:
        """Return the greedy answer to an example's prompt. Raises StepError."""
        text = self._encoder.render(example.prompt, tools=example.tools)
        ids = torch.tensor([self._tokenizer(text, add_special_tokens=False)["input_ids"]], device=self._device)
        with torch.inference_mode():
            first = torch.log_softmax(self._model(input_ids=ids).logits[0, -1].float(), dim=-1)
            out = self._model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=max_tokens,
                eos_token_id=self._ends,
                pad_token_id=self._ends[0],
            )
        written = out[0, ids.shape[1] :].tolist()
        return Reference(
            example.prompt,
            self._tokenizer.decode(written, skip_special_tokens=True),
            tools=example.tools,
            max_tokens=max_tokens,
            prompt_tokens=ids.shape[1],
            finish_reason="stop" if written[-1] in self._ends else "length",
            likeliest=tuple(round(one, 5) for one in first.topk(min(LIKELIEST, len(first))).values.tolist()),
        )


def choose(examples: Iterable[Example], *, count: int) -> list[Example]:
    """Return the examples whose prompts are asked: with text answers and no tools, each once, chosen by hash."""
    usable = (one for one in examples if not one.is_text and one.tools is None)
    by_prompt = {_encode(one.prompt): one for one in usable if isinstance(one.answer.get("content"), str)}
    return sorted(by_prompt.values(), key=lambda one: one.id)[:count]


def answer_all(folder: Path, examples: Sequence[Example], *, device: str, day: datetime) -> Iterator[Reference]:
    """Yield the saved model's answers. Raises StepError."""
    if not examples:
        return
    answerer = Answerer(folder, device=device, day=day)
    longest = max(len(one.answer["content"]) for one in examples)
    max_tokens = min(_LONGEST, max(_SHORTEST, longest))
    for one in examples:
        yield answerer.answer(one, max_tokens=max_tokens)
