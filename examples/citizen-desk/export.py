"""How does the trained folder become the shipped files?

Weights are rounded to F16 once; safetensors and GGUF then hold the same numbers.
"""

import argparse
import re
from pathlib import Path
from typing import Any

import gguf
import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from safetensors.numpy import load_file, save_file

COPIED = ("tokenizer.json",)
NAME = "seedling"
READABLE = 0o644
LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.weight")
OUTER_NAMES = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
LAYER_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
Tensor = NDArray[Any]
Table = dict[str, Any]


def read_json(path: Path) -> Table:
    """Read a JSON object."""
    return msgspec.json.decode(path.read_bytes(), type=dict)


def write_json(path: Path, table: Table) -> None:
    """Write a JSON object for people and programs."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=2) + b"\n")


def gguf_name(name: str) -> str:
    """Return llama.cpp's name of a Llama tensor.

    Raises:
        ValueError: the tensor belongs to another architecture.
    """
    if name in OUTER_NAMES:
        return OUTER_NAMES[name]
    found = LAYER.fullmatch(name)
    if found is None or found[2] not in LAYER_NAMES:
        raise ValueError(f"unknown tensor {name!r}: only the Llama architecture with tied embeddings can be exported")
    return f"blk.{found[1]}.{LAYER_NAMES[found[2]]}.weight"


def interleaved(weight: Tensor, heads: int) -> Tensor:
    """Reorder the rows of each head: transformers rotates (first half, second half), llama.cpp rotates neighbours."""
    rows = weight.shape[0] // heads
    return np.ascontiguousarray(weight.reshape(heads, 2, rows // 2, -1).transpose(0, 2, 1, 3).reshape(weight.shape))


def _add_shape(writer: gguf.GGUFWriter, config: Table) -> None:
    writer.add_name(NAME)
    writer.add_type("model")
    writer.add_license("apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(float(config["rope_parameters"]["rope_theta"]))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Table, *, config: Table, template: str) -> None:
    special = {row["content"]: row["id"] for row in tokenizer["added_tokens"] if row["special"]}
    by_id = {number: token for token, number in (tokenizer["model"]["vocab"] | special).items()}
    tokens = [by_id[number] for number in range(config["vocab_size"])]
    types = [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(
        [pair if isinstance(pair, str) else " ".join(pair) for pair in tokenizer["model"]["merges"]]
    )
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(False)  # noqa: FBT003 - gguf's own signature; the chat template writes it
    writer.add_add_eos_token(False)  # noqa: FBT003 - gguf's own signature
    writer.add_add_space_prefix(False)  # noqa: FBT003 - gguf's own signature
    writer.add_chat_template(template)


def write_gguf(tensors: dict[str, Tensor], folder: Path, *, template: str) -> None:
    """Write the GGUF file beside the config and the tokenizer it repeats."""
    config = read_json(folder / "config.json")
    writer = gguf.GGUFWriter(folder / f"{NAME}.gguf", "llama")
    _add_shape(writer, config)
    _add_tokenizer(writer, read_json(folder / "tokenizer.json"), config=config, template=template)
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    for name, weight in tensors.items():
        rotated = next((count for part, count in heads.items() if part in name), 0)
        ordered = interleaved(weight, rotated) if rotated else weight
        writer.add_tensor(gguf_name(name), ordered.astype(np.float32) if ordered.ndim == 1 else ordered)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def export(trained: Path, out: Path) -> None:
    """Write the shipped files of a trained folder."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: weight.astype(np.float16) for name, weight in load_file(trained / "model.safetensors").items()}
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(READABLE)  # the library writes it for its owner alone
    config = read_json(trained / "config.json")
    write_json(out / "config.json", config | {"dtype": "float16"})
    write_json(out / "generation_config.json", read_json(trained / "generation_config.json"))
    for name in COPIED:
        (out / name).write_bytes((trained / name).read_bytes())
    tokenizer_config = read_json(trained / "tokenizer_config.json")
    beside = trained / "chat_template.jinja"
    template = beside.read_text(encoding="utf-8") if beside.exists() else tokenizer_config["chat_template"]
    write_json(out / "tokenizer_config.json", tokenizer_config | {"chat_template": template})
    write_gguf(tensors, out, template=template)


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    export(arguments.trained, arguments.out)
    for path in sorted(arguments.out.iterdir()):
        Console().print(f"{path.stat().st_size:>10,}  {path.name}")


if __name__ == "__main__":
    main()
