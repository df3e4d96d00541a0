"""Can control and the command line check a base and export a product without a trainer's packages?"""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "numpy", "gguf", "peft", "safetensors", "pyarrow")


@pytest.mark.parametrize("module", ["bases", "export", "papers", "facts", "identity", "gguf.architectures"])
def test_a_module_that_control_uses_loads_no_trainers_package(module: str) -> None:
    asked = f"import sys, hortus.tuning.{module}; print(sorted(set(sys.modules) & {set(HEAVY)!r}))"

    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout

    assert said == "[]\n"
