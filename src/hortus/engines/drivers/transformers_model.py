"""One model in transformers: loaded from its folder alone, without any code of its own, and how it answers a chat."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    StoppingCriteria,
    StoppingCriteriaList,
    set_seed,
)
from transformers.generation.streamers import BaseStreamer

from hortus.engines.drivers.chat_request import Asked, Refusal
from hortus.engines.drivers.chat_server import Said
from hortus.engines.drivers.words import Words

_END = None


class ChatModel:
    """A loaded model. Whoever serves it asks for one answer at a time."""

    def __init__(self, folder: str, *, context_tokens: int, temperature: float | None) -> None:
        own = {"local_files_only": True, "trust_remote_code": False}
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, **own)
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto", **own)
        self._model.to(self._device).eval()
        self._context_tokens = context_tokens
        self._temperature = temperature

    async def answer(self, asked: Asked) -> AsyncGenerator[Said, None]:
        """Yield the answer; closing the iterator ends the work. Raises `Refusal` before the first piece."""
        prompt = await asyncio.to_thread(self._prompt, asked)
        length = int(prompt["input_ids"].shape[1])
        room = self._context_tokens - length
        if room < 1:
            message = f"The prompt has {length} tokens, the context {self._context_tokens}."
            raise Refusal(message, param="messages", code="context_length_exceeded")
        most = min(asked.most_tokens or room, room)
        async with contextlib.aclosing(self._generate(prompt, asked, most=most)) as pieces:
            async for piece in pieces:
                yield msgspec.structs.replace(piece, prompt_tokens=length)

    def _prompt(self, asked: Asked) -> Any:
        if not self._tokenizer.chat_template:
            raise Refusal("The model brings no chat template, so it cannot be chatted with.", code="no_chat_template")
        try:
            return self._tokenizer.apply_chat_template(
                asked.messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            ).to(self._device)
        except (ValueError, TypeError, KeyError) as error:
            raise Refusal(f"The model's chat template refuses this chat: {error}.", param="messages") from error

    async def _generate(self, prompt: Any, asked: Asked, *, most: int) -> AsyncGenerator[Said, None]:
        tokens: asyncio.Queue[int | None] = asyncio.Queue()
        loop, cancelled = asyncio.get_running_loop(), threading.Event()
        streamer = _Tokens(lambda token: loop.call_soon_threadsafe(tokens.put_nowait, token))

        def work() -> None:
            try:
                self._run(prompt, asked, most=most, streamer=streamer, cancelled=cancelled)
            finally:
                loop.call_soon_threadsafe(tokens.put_nowait, _END)

        words = Words(self._decode, stops=asked.stops)
        ends = self._ends()
        working = asyncio.create_task(asyncio.to_thread(work))
        has_ended = False
        try:
            while (token := await tokens.get()) is not _END:
                has_ended = token in ends
                text = "" if has_ended else words.take(token)
                if text:
                    yield Said(text, completion_tokens=words.token_count)
                if words.has_stopped:
                    break
            finish = "stop" if has_ended or words.has_stopped else "length"
            cancelled.set()
            await working
            yield Said(words.rest(), finish, completion_tokens=words.token_count + has_ended)
        finally:
            cancelled.set()
            await asyncio.wait({working})

    def _run(self, prompt: Any, asked: Asked, *, most: int, streamer: BaseStreamer, cancelled: threading.Event) -> None:
        if asked.seed is not None:
            set_seed(asked.seed % 2**32)
        wished = self._temperature if asked.temperature is None else asked.temperature
        temperature = 1.0 if wished is None else wished
        ends = sorted(self._ends())
        config = GenerationConfig(
            max_new_tokens=most,
            do_sample=temperature > 0,
            temperature=temperature if temperature > 0 else None,
            top_p=asked.top_p if temperature > 0 else None,
            top_k=0 if temperature > 0 else None,
            eos_token_id=ends or None,
            pad_token_id=self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else (ends or [0])[0],
        )
        criteria = StoppingCriteriaList([_Cancelled(cancelled)])
        with torch.inference_mode():
            self._model.generate(**prompt, generation_config=config, streamer=streamer, stopping_criteria=criteria)

    def _decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _ends(self) -> frozenset[int]:
        """Return the tokens that end an answer, by the model's and the tokenizer's own word."""
        listed = self._model.generation_config.eos_token_id
        own = listed if isinstance(listed, list) else [listed]
        return frozenset(one for one in (*own, self._tokenizer.eos_token_id) if one is not None)


class _Tokens(BaseStreamer):
    """Passes new tokens on; the prompt comes first, whole, and is left out."""

    def __init__(self, pass_on: Any) -> None:
        self._pass_on = pass_on
        self._has_prompt = False

    def put(self, value: Any) -> None:
        if not self._has_prompt:
            self._has_prompt = True
            return
        for token in value.reshape(-1).tolist():
            self._pass_on(token)

    def end(self) -> None:
        """Nothing is held back."""


class _Cancelled(StoppingCriteria):
    """Ends the work once nobody waits for it."""

    def __init__(self, cancelled: threading.Event) -> None:
        self._cancelled = cancelled

    def __call__(self, input_ids: Any, scores: Any, **more: Any) -> Any:
        del scores, more
        return torch.full((input_ids.shape[0],), self._cancelled.is_set(), device=input_ids.device)
