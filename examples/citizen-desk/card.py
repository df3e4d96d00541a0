"""How does the model card get its figures and hashes? From the files, so that it cannot disagree with them."""

import hashlib
from pathlib import Path
from string import Template

from rich.console import Console

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "src/hortus/engines/seedling"
FILES = (
    "seedling.gguf",
    "model.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


def hashes(folder: Path) -> str:
    """Return a Markdown table of the shipped files."""
    rows = ["| file | bytes | sha256 |", "|---|---|---|"]
    for name in FILES:
        content = (folder / name).read_bytes()
        rows.append(f"| {name} | {len(content):,} | `{hashlib.sha256(content).hexdigest()}` |")
    return "\n".join(rows)


def main() -> None:
    """Write the model card."""
    written = Template((HERE / "card.md").read_text(encoding="utf-8"))
    figures = (HERE / "figures.md").read_text(encoding="utf-8").strip()
    card = written.substitute(figures=figures, hashes=hashes(SHIPPED))
    (SHIPPED / "README.md").write_text(card, encoding="utf-8")
    Console().print(f"wrote {len(card)} characters")


if __name__ == "__main__":
    main()
