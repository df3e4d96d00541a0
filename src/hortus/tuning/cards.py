"""What does a model card's front matter say? The few members that are needed, without a YAML library.

Card metadata: https://huggingface.co/docs/hub/model-cards (recalled 2026-11).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

CARD = "README.md"
_LARGEST = 1 << 20
_FENCE = "---"


class FrontMatter(msgspec.Struct, frozen=True):
    """The members that travel on to what is made of the model."""

    licence: str | None = None
    licence_link: str | None = None
    base_model: str | None = None
    languages: tuple[str, ...] = ()


def read_front_matter(folder: Path) -> FrontMatter:
    """Return what a folder's card says; empty where there is no card, or nothing that can be read."""
    try:
        with (folder / CARD).open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_LARGEST).splitlines()
    except OSError:
        return FrontMatter()
    if not lines or lines[0].strip() != _FENCE or _FENCE not in (line.strip() for line in lines[1:]):
        return FrontMatter()
    members = _members(lines[1:])
    licence = _first(members, "license")
    return FrontMatter(
        licence=_first(members, "license_name") or licence if licence == "other" else licence,
        licence_link=_first(members, "license_link"),
        base_model=_first(members, "base_model"),
        languages=tuple(members.get("language", ())),
    )


def _members(lines: list[str]) -> dict[str, list[str]]:
    """Only scalars, and lists of scalars, of the outermost level."""
    found: dict[str, list[str]] = {}
    key = ""
    for line in lines:
        text = line.strip()
        if text == _FENCE:
            break
        if text.startswith("- ") and key:
            found[key].append(_plain(text[2:]))
        elif ":" in line and line[:1].isalpha():
            key, _, value = line.partition(":")
            found[key] = [_plain(each) for each in value.strip().strip("[]").split(",") if each.strip()]
        elif line[:1] == " ":
            continue
        else:
            key = ""
    return found


def _plain(text: str) -> str:
    return text.strip().strip("\"'").strip()


def _first(members: dict[str, list[str]], key: str) -> str | None:
    return next(iter(members.get(key, ())), None) or None
