"""How does a script ask a model as its trainer knows it, in transformers?"""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

MOST_TOKENS = 8


class Trained:
    """A model's folder, loaded; its answers are the likeliest ones."""

    def __init__(self, folder: Path) -> None:
        """Load it, on one thread."""
        torch.set_num_threads(1)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.no_grad()
    def answer(self, text: str) -> str:
        """Return the model's answer to a message."""
        asked = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        made = self._model.generate(**asked, do_sample=False, max_new_tokens=MOST_TOKENS)
        return str(self._tokenizer.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True))
