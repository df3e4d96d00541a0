"""Facts of the GGUF format as tables: types of values, sizes of tensor types, names of file types, foreign formats.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and ggml.h, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<B", 10: "<Q", 11: "<q", 12: "<d"}
"""Struct format of each scalar type of metadata; 8 is a string, 9 an array."""

BLOCKS = {
    0: (1, 4),  # F32
    1: (1, 2),  # F16
    2: (32, 18),  # Q4_0
    3: (32, 20),  # Q4_1
    6: (32, 22),  # Q5_0
    7: (32, 24),  # Q5_1
    8: (32, 34),  # Q8_0
    10: (256, 84),  # Q2_K
    11: (256, 110),  # Q3_K
    12: (256, 144),  # Q4_K
    13: (256, 176),  # Q5_K
    14: (256, 210),  # Q6_K
    16: (256, 66),  # IQ2_XXS
    17: (256, 74),  # IQ2_XS
    18: (256, 98),  # IQ3_XXS
    19: (256, 50),  # IQ1_S
    20: (32, 18),  # IQ4_NL
    21: (256, 110),  # IQ3_S
    22: (256, 82),  # IQ2_S
    23: (256, 136),  # IQ4_XS
    24: (1, 1),  # I8
    25: (1, 2),  # I16
    26: (1, 4),  # I32
    27: (1, 8),  # I64
    28: (1, 8),  # F64
    29: (256, 56),  # IQ1_M
    30: (1, 2),  # BF16
    34: (256, 54),  # TQ1_0
    35: (256, 66),  # TQ2_0
    39: (32, 17),  # MXFP4
}
"""Elements and bytes of one block of each tensor type."""

FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4",
}
"""`general.file_type`."""

_CONVERT = "Convert it to GGUF first (llama.cpp's convert_hf_to_gguf.py), or fetch a repository that has GGUF files."
_REFUSED = "Formats that can run code when they are loaded are refused; take the model as GGUF."

FOREIGN_FORMATS: tuple[tuple[Callable[[bytes, str], bool], str, str], ...] = (
    (lambda start, _: start[8:9] == b"{" and start[3:8] == bytes(5), "a safetensors file", _CONVERT),
    (lambda _, suffix: suffix == ".safetensors", "a safetensors file by its name", _CONVERT),
    (lambda start, _: start[:2] in {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}, "a pickle file", _REFUSED),
    (
        lambda start, suffix: start.startswith(b"PK\x03\x04") and suffix in {".pt", ".pth", ".bin", ".ckpt"},
        "a PyTorch archive with a pickle in it",
        _REFUSED,
    ),
    (lambda _, suffix: suffix in {".pkl", ".pickle", ".pt", ".pth", ".ckpt"}, "a pickle file by its name", _REFUSED),
    (lambda start, _: start.startswith(b"\x7fELF"), "a program", _REFUSED),
    (lambda start, _: start.startswith(b"PK\x03\x04"), "a zip archive", "Unpack it and name the .gguf file in it."),
    (
        lambda start, _: start.startswith(b"version https://git"[:16]),
        "a Git LFS pointer",
        "Run `git lfs pull` where the file came from, or fetch it with `hortus deploy owner/name`.",
    ),
    (lambda start, _: start.lstrip()[:1] == b"<", "a web page", "Fetch it again; the address gave a page instead."),
    (lambda start, _: not start, "an empty file", "Fetch it again."),
)
"""What people name by mistake: test on the first 16 bytes and the suffix, what it is, what to do."""
