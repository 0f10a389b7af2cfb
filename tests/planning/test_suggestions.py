"""Suggestions are ranked, add up, and tell proxies from prerenders."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from otio_perf.model.analysis import Analysis, LinkedProxy, Remedy
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.planning import cost, proxies, suggestions


def analyse(build: SimpleNamespace, uses: list[Any], infos: list[Any], **changes: Any) -> Analysis:
    survey, spans = build.survey(uses)
    media = {i.path: i for i in infos}
    machine = build.machine()
    costs = cost.predict(survey, spans, media, machine)
    return suggestions.analyze(survey, costs, machine=machine, findings=[build.finding(i) for i in infos], **changes)


def test_a_proxy_is_suggested_with_its_price_and_gain(build: SimpleNamespace) -> None:
    info = build.media()
    analysis = analyse(build, [build.use(build.target(), 0, 50), build.use(build.target(), 80, 90)], [info])
    (one,) = analysis.suggestions
    assert one.remedy is Remedy.PROXY
    assert one.text == "1080p proxy of a.mp4"
    assert one.spans == (0, 2)
    after = proxies.proxied(info, ProxyRecipe(rung="1080p"))
    machine = build.machine()
    saved = cost.decode_ms(info.picture, machine) - cost.decode_ms(after.picture, machine) + 0.2 * 8.2944
    assert one.saved_ms == pytest.approx(saved)
    assert one.saved_seconds == pytest.approx(saved * 60 / 1e3)
    assert one.work_seconds > 0
    first, gap, last = analysis.spans
    assert first.with_proxy_factor == last.with_proxy_factor == pytest.approx(cost.decode_ms(after.picture, machine) / 40)
    assert gap.with_proxy_factor is None


def test_the_best_gain_per_second_of_work_comes_first(build: SimpleNamespace) -> None:
    often, once = build.media("/m/often.mp4"), build.media("/m/once.mp4")
    uses = [build.use(build.target("/m/often.mp4"), 0, 500), build.use(build.target("/m/once.mp4"), 500, 510)]
    analysis = analyse(build, uses, [often, once])
    assert [s.media_path for s in analysis.suggestions] == ["/m/often.mp4", "/m/once.mp4"]
    gains = [s.gain_per_second for s in analysis.suggestions]
    assert gains == sorted(gains, reverse=True)


def test_what_proxies_cannot_help_is_to_be_prerendered(build: SimpleNamespace) -> None:
    analysis = analyse(build, [build.use(build.target(), 0, 100, effects=("Ultra Key",))], [build.media()])
    kinds = {s.remedy: s for s in analysis.suggestions}
    assert set(kinds) == {Remedy.PROXY, Remedy.PRERENDER}
    assert "keyer" in kinds[Remedy.PRERENDER].text
    assert "01:00:00:00" in kinds[Remedy.PRERENDER].text
    (span,) = analysis.spans
    assert span.with_proxy_factor is not None
    assert 1 < span.with_proxy_factor < span.factor


def test_smooth_timelines_need_nothing(build: SimpleNamespace) -> None:
    analysis = analyse(
        build, [build.use(build.target(), 0, 100)], [build.media(width=640, height=360, bits_per_second=1_000_000)]
    )
    assert analysis.suggestions == ()
    assert analysis.smooth_share == 1


def test_the_largest_rung_asked_for_is_suggested(build: SimpleNamespace) -> None:
    rungs = [ProxyRecipe(rung="360p"), ProxyRecipe(rung="720p")]
    analysis = analyse(build, [build.use(build.target(), 0, 100)], [build.media()], recipes=rungs)
    assert [s.rung for s in analysis.suggestions] == ["720p"]


def test_factor_with_a_rung_falls_with_its_size(build: SimpleNamespace) -> None:
    survey, spans = build.survey([build.use(build.target(), 0, 100)])
    media = {"/m/a.mp4": build.media()}
    factors = [
        suggestions.factor_with(survey, spans, media, ProxyRecipe(rung=rung), build.machine())
        for rung in ("1080p", "720p", "360p")
    ]
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] > 0


def test_a_medium_that_plays_from_its_proxy_needs_no_other(build: SimpleNamespace) -> None:
    linked, other = build.media("/m/linked.mp4"), build.media("/m/other.mp4")
    uses = [build.use(build.target("/m/linked.mp4"), 0, 30), build.use(build.target("/m/other.mp4"), 30, 100)]
    before = analyse(build, uses, [linked, other])
    assert {s.media_path for s in before.suggestions} == {"/m/linked.mp4", "/m/other.mp4"}
    there = LinkedProxy(medium="/m/linked.mp4", media_path="/m/linked.mp4", recipe=ProxyRecipe(rung="1080p"))
    after = analyse(build, uses, [linked, other], linked=[there])
    assert {s.media_path for s in after.suggestions} == {"/m/other.mp4"}
    assert after.linked == (there,)
    assert after.smooth_share == before.smooth_share == 0
    assert after.smooth_share_linked == pytest.approx(0.3)
    assert after.smooth_share_with_proxies == before.smooth_share_with_proxies == 1
    assert [s.factor for s in after.spans] == [s.factor for s in before.spans]
