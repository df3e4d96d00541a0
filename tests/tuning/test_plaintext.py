"""Words of people are read as words: a reader of Markdown finds no link, no HTML and no structure in them."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from hortus.tuning.plaintext import cell, inline, paragraphs

HOSTILE = (
    "<script>alert(1)</script>",
    "<!-- hidden",
    "&lt;b&gt; and &#60;i&#62;",
    "[here](https://links.example)",
    "![seen](https://links.example/x.png)",
    "[here]: https://links.example",
    "<https://links.example>",
    "\\<b>bold</b>",
    "\\\\[here](x)",
    "**loud** and __loud__ and ~~gone~~",
    "# A title",
    "---",
    "- one",
    "1. one",
    "12) one",
    "> said",
    "=====",
    "```",
    "~~~",
    "`` `<b>` <i>",
    "`a``b` <b> `c",
    "a | b | c",
    "\\| a",
    "`a|b` <b>",
    "`x@y.example`<b>`",
    "snake_case_ *and* more",
)


class Seen(HTMLParser):
    """What a reader sees of a page, and which elements it has."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(markdown: str) -> Seen:
    found = Seen()
    found.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_a_paragraph_is_nothing_but_its_words(text: str) -> None:
    page = seen(paragraphs(text))
    assert set(page.elements) <= {"p", "code"}
    assert page.text.replace("`", "").strip() == text.replace("`", "").strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_of_a_list_is_one_line(text: str) -> None:
    page = seen(f"- {inline(text)}\n- next\n")
    assert [one for one in page.elements if one != "code"] == ["ul", "li", "li"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_stays_one_cell(text: str) -> None:
    page = seen(f"| | |\n| --- | --- |\n| Maker | {cell(text)} |\n")
    assert [one for one in page.elements if one != "code"] == [
        "table",
        "thead",
        "tr",
        "th",
        "th",
        "tbody",
        "tr",
        "td",
        "td",
    ]
    assert text.replace("`", "") in page.text.replace("`", "")


@pytest.mark.parametrize(
    "text", ["see https://links.example/a", "www.links.example", "desk@links.example", "MAILTO:x", "(http://x.example)"]
)
def test_what_hubs_make_links_of_is_code(text: str) -> None:
    word = text.rsplit(" ", 1)[-1]
    assert inline(text).endswith(f"`{word}`")


def test_an_empty_line_parts_paragraphs_and_another_break_does_not() -> None:
    assert paragraphs("One\ntwo.\n\n \nThree.\n") == "One two.\n\nThree."


def test_plain_words_stay_as_they_are() -> None:
    text = "Sorting letters of the city's desk (R&D, 2026): A/B; no law! `facts.json` has more - all of it."
    assert inline(text) == cell(text) == text
