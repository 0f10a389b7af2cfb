"""The page stands alone, escapes every name, and stays small for long timelines."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html.parser import HTMLParser

from otio_perf.model.analysis import Analysis
from otio_perf.reports import html

Make = Callable[[list[float | None]], Analysis]

_VOID = {"meta", "br", "input", "link", "img", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def count(self, tag: str, css_class: str | None = None) -> int:
        return sum(
            1 for t, a in self.elements if t == tag and (css_class is None or css_class in (a.get("class") or "").split())
        )


def test_hostile_names_stay_text(make_analysis: Make) -> None:
    page = Page(html.page([make_analysis([0.5, 2.5, None])]))
    assert page.count("script") == 1  # the page's own
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    text = "".join(page.words)
    assert "<script>alert('x')</script>" in text  # shown as it is written
    assert "\\n" in text  # a line break in a name is visible


def test_no_request_leaves_the_page(make_analysis: Make) -> None:
    text = html.page([make_analysis([0.5, 2.5, None])])
    page = Page(text)
    assert not {"link", "img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.elements}
    assert not any(key in ("src", "href", "xlink:href", "action") for _, attributes in page.elements for key in attributes)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|https?://", text)
    assert "default-src 'none'" in text


def test_each_span_is_a_bar_that_can_be_stepped_to_and_says_why(make_analysis: Make) -> None:
    text = html.page([make_analysis([0.5, 0.9, 1.5, 2.5, None])])
    page = Page(text)
    bars = [a for tag, a in page.elements if tag == "g" and a.get("class") == "span"]
    assert len(bars) == 5
    assert all(a["tabindex"] == "0" for a in bars)
    for colour in ("smooth", "close", "slow", "slower", "offline"):
        assert page.count("rect", colour) == 1, colour
    said = "".join(page.words)
    assert "01:00:00:10 – 01:00:00:20" in said
    assert "4K HEVC 10-bit long GOP: needs 1.5 × the time it has" in said
    assert "with proxies: 25 % of the time it has" in said
    assert "2.5 ×the time it has: what a frame needs at worst; 90 % with proxies" in said
    assert "× real time" not in said  # which reads as faster than real time
    assert "otio-perf optimize TIMELINE" in said  # what makes the proxies
    assert "210 MB" in said
    assert "it is not there" in said
    assert "rate is not a number" in said


def test_ten_thousand_spans_are_merged_for_drawing(make_analysis: Make) -> None:
    analysis = make_analysis([0.3, 1.5, None, 4.0] * 2500)
    began = time.process_time()
    text = html.page([analysis])
    assert time.process_time() - began < 3
    page = Page(text)
    assert page.count("g") < 2000
    assert len(text) < 2_000_000
    shares = [a for tag, a in page.elements if tag == "g" and a.get("class") == "span"]
    assert len(shares) == 240
    assert "25 % too slow" in "".join(page.words)


def test_nothing_to_do_is_said(make_analysis: Make) -> None:
    text = html.page([make_analysis([0.2, 0.3])])
    Page(text)
    assert "plays the whole timeline in real time" in text
    Page(html.page([make_analysis([])]))


def test_several_timelines_have_a_section_each(make_analysis: Make) -> None:
    analyses = [make_analysis([0.5, 2.5]), make_analysis([0.2, 0.3, 0.4])]
    page = Page(html.page(analyses))
    assert page.count("section", "timeline") == 2
    assert page.count("h1") == 2
    assert page.count("footer") == 1
    assert page.count("g", "span") == 5
    names = [a["id"] for _, a in page.elements if "id" in a]
    assert len(names) == len(set(names))
