"""What a user is told who presses a button: why nothing comes of it, what is off, what is under way; in narrow windows, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime, TimeRange
from PIL import Image

Wait = Callable[..., Any]


@pytest.fixture
def narrow(page: Any) -> Iterator[Callable[[int], None]]:
    """Make the window as wide as is asked for; it is as it was after the test."""

    def size(width: int) -> None:
        wanted = {"width": width, "height": 720, "deviceScaleFactor": 1, "mobile": False}
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", wanted)

    yield size
    size(1280)


def test_a_medium_that_gets_no_proxy_says_why(page: Any, wait: Wait) -> None:
    still: Path = page.served.folder / "media" / "card.png"
    Image.new("RGB", (64, 36), "teal").save(still)
    shown = otio.schema.Clip(
        "card", otio.schema.ExternalReference(still.as_uri()), TimeRange(RationalTime(0, 24), RationalTime(24, 24))
    )
    timeline = otio.schema.Timeline("card", tracks=[otio.schema.Track("V1", kind="Video", children=[shown])])
    otio.adapters.write_to_file(timeline, str(page.served.folder / "card.otio"))
    followed = page.client.follow(page.served.folder / "card.otio")
    try:
        page.go("proxies")
        page.button("Generate proxies of card.png").click()
        wait(lambda: "no proxy: a still" in page.text(".toasts"))
    finally:
        page.client.unfollow(followed.id)


def test_the_wizard_says_what_is_off_and_turns_it_on(page: Any, wait: Wait) -> None:
    page.client.set_settings({"use_proxies": "never"})
    try:
        page.go("overview")
        page.go("optimize")
        page.button("Go on").click()
        wait(lambda: "These are off" in page.text(".step"))  # prerenders are, in the settings of these tests
        page.one(".step .toggle").click()
        wait(lambda: {one.name: one.value for one in page.client.settings()}["use_proxies"] == "auto")
    finally:
        page.client.set_settings({"use_proxies": None})


def test_the_wizard_shows_what_is_under_way(page: Any, wait: Wait) -> None:
    (timeline,) = page.client.timelines()
    wait(lambda: page.client.timelines()[0].state == "ready", 30)
    page.client.prune_cache()
    page.client.pause()
    source = next(one for one in page.client.sources().sources if one.proxies and one.timelines)
    page.client.delete_proxies(source.id, force=True)
    wait(lambda: any(span.state == "queued" for span in page.client.timeline(timeline.id).spans), 20)
    page.go("overview")
    page.go("optimize")
    page.button("Go on").click()
    page.button("Show what is under way").click()  # other things can be ticked besides
    wait(lambda: page.all(".step .meter.tall"))
    page.client.resume()
    wait(lambda: page.all(".report"), 40)


def test_narrow_windows_cut_nothing(page: Any, narrow: Callable[[int], None], wait: Wait) -> None:
    page.go("overview")
    overlap = """
        const [a, b] = [...arguments].map(css => document.querySelector(css).getBoundingClientRect());
        return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom"""
    cut = """
        return [...document.querySelectorAll(".hero h1, .hero .state")].filter(e => e.scrollWidth > e.clientWidth + 1).length"""
    for width in (900, 560):
        narrow(width)
        wait(lambda: page.run(cut) == 0)
        assert not page.run(overlap, ".hero h1", ".hero .actions"), width
        sizes = page.measure()
        assert sizes["page"] <= sizes["window"] and sizes["content"] <= sizes["main"], sizes
    page.go("proxies")
    assert not page.run(overlap, ".head h1", ".head .actions")


def test_the_names_of_the_pages_fit(page: Any) -> None:
    for name in ("optimize", "settings"):
        page.go(name)
        assert page.run("const side = document.querySelector('.side'); return side.scrollWidth <= side.clientWidth")
