"""How does the seedling compute, while it learns? As transformers' Llama, on its parameters, with less around it."""

import torch
from torch.nn import Linear, Module
from torch.nn.functional import embedding, rms_norm, scaled_dot_product_attention, silu
from transformers import LlamaForCausalLM

from generator import DEPARTMENTS
from model import Shape, new_model

LABEL_STD = 0.3  # label vectors stand out among those of the other tokens,
LAST_GAIN = 0.3  # without answers that are surer than they should be


def _rotated(states: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    first, second = states.chunk(2, -1)
    return states * cosine + torch.cat((-second, first), -1) * sine


def states_of(model: LlamaForCausalLM, ids: torch.Tensor) -> torch.Tensor:
    """Return the last hidden state of every token; padding must stand at the end of a row."""
    rows, width = ids.shape
    config = model.config
    eps, size = config.rms_norm_eps, (config.hidden_size,)
    states = model.model.embed_tokens(ids)
    cosine, sine = (t[:, None] for t in model.model.rotary_emb(states, torch.arange(width)[None]))
    for layer in model.model.layers:
        attention, mlp = layer.self_attn, layer.mlp
        read = rms_norm(states, size, layer.input_layernorm.weight, eps)
        query, key, value = (
            project(read).view(rows, width, -1, config.head_dim).transpose(1, 2)
            for project in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        query, key = _rotated(query, cosine, sine), _rotated(key, cosine, sine)
        repeated = query.shape[1] // key.shape[1]
        key, value = (t.repeat_interleave(repeated, 1) for t in (key, value))
        seen = scaled_dot_product_attention(query, key, value, is_causal=True)
        states = states + attention.o_proj(seen.transpose(1, 2).reshape(rows, width, -1))
        read = rms_norm(states, size, layer.post_attention_layernorm.weight, eps)
        states = states + mlp.down_proj(silu(mlp.gate_proj(read)) * mlp.up_proj(read))
    return rms_norm(states, size, model.model.norm.weight, eps)


class Learner(Module):
    """The model, and a second small output that is thrown away after training.

    It has to name the department at every token of the message already, so that each word learns directly where it
    belongs and not only by way of the answer at the end.
    """

    def __init__(self, shape: Shape) -> None:
        """Make both, untrained."""
        super().__init__()
        self.model = new_model(shape)
        self.early = Linear(shape.hidden, len(DEPARTMENTS))

    def guess_from_words(self, ids: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Return department scores from the mean of a chat's token vectors alone, without any layer."""
        config = self.model.config
        vectors = embedding(ids, self.model.model.embed_tokens.weight)
        vectors = rms_norm(vectors, (config.hidden_size,), eps=config.rms_norm_eps) * real[..., None]
        return self.early(vectors.sum(1) / real.sum(1, keepdim=True))

    @torch.no_grad()
    def start_layers_from_words(self, labels: list[int]) -> None:
        """Let the first layer answer what the word vectors alone would: attend evenly, say the scores as labels.

        The labels are the token ids of the departments. All other parts of the layers are silent at first.
        """
        inner, config = self.model.model, self.model.config
        for layer in inner.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        vectors = inner.embed_tokens.weight
        vectors[labels] = torch.randn(len(labels), config.hidden_size) * LABEL_STD
        inner.norm.weight.fill_(LAST_GAIN)
        first, size = inner.layers[0].self_attn, config.head_dim
        first.q_proj.weight.zero_()
        first.v_proj.weight[: len(labels)] = self.early.weight
        for head in range(config.num_attention_heads):
            said = vectors[labels].T / config.num_attention_heads
            first.o_proj.weight[:, head * size : head * size + len(labels)] = said
