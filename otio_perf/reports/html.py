"""Analyses as one page: no request leaves it, every name is escaped, and it can be read without a mouse or a script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib import resources
from string import Template

from otio_perf.errors import printable
from otio_perf.model.analysis import Analysis, MediaFinding, Remedy, SpanCost, Suggestion
from otio_perf.model.uses import Survey, TrackKind, Use
from otio_perf.reports import words
from otio_perf.reports.regions import Cell, Region, cells, colour_of, regions, state_of

#: Widths of the drawing, in its own units: no more than this many bars or clips a row, however long the timeline is.
_UNITS = 1200
_BAR_HEIGHT = 120
#: The chart ends here; a factor of 4 or 40 is drawn alike.
_TALLEST_FACTOR = 4.0
_TRACK_HEIGHT = 22
_MOST_TRACKS = 24
#: Narrower clips are drawn without an outline.
_FINE = 4
_MOST_ROWS = 100
#: A timeline of very many spans is drawn as so many stretches of equal length.
_DENSE, _STACKS = 400, 240
_NAMES = {
    "empty": "empty",
    "smooth": "smooth",
    "close": "only just",
    "offline": "media missing",
    "slow": "too slow",
    "slower": "more than twice too slow",
}


def page(analyses: Sequence[Analysis]) -> str:
    """The whole page: a section for each timeline, in the order given. All are of one machine."""
    machine = analyses[0].machine
    return _template("analysis.html").substitute(
        title=", ".join(_text(a.survey.name or a.survey.path) for a in analyses),
        sections="".join(_section(a) for a in analyses),
        footer=_text(
            f"Predicted for {machine.machine}, measured {machine.measured_at}. "
            "A frame that needs 2 × the time it has plays at half speed, or every other frame is dropped; "
            "up to 1 × (100 %) playback is smooth."
        ),
    )


def _template(name: str) -> Template:
    return Template(resources.files("otio_perf.reports").joinpath(name).read_text(encoding="utf-8"))


def _section(analysis: Analysis) -> str:
    survey = analysis.survey
    stutters = regions(analysis)
    tracks = _tracks(survey)
    return _template("analysis_section.html").substitute(
        title=_text(survey.name or survey.path),
        facts=_text(words.timeline_facts(analysis).partition(";")[0]),
        score="".join(_score(analysis, stutters)),
        verdict=_text(_verdict(analysis, stutters)),
        names=_names(survey, tracks, is_dense=len(analysis.spans) > _DENSE),
        drawing=_drawing(analysis, tracks),
        suggestions=_suggestions(analysis.suggestions),
        regions=_regions(survey, stutters),
        gone=f"<p><b>{_text(words.gone_proxies(analysis.gone))}</b></p>" if analysis.gone else "",
        media=_media(analysis.media, survey) + _found(survey),
    )


def _text(value: object) -> str:
    return escape(printable(value))


def _score(analysis: Analysis, stutters: tuple[Region, ...]) -> Iterator[str]:
    worst = max((s.factor for s in analysis.spans), default=0.0)
    after = max((s.factor if s.with_proxy_factor is None else s.with_proxy_factor for s in analysis.spans), default=0.0)
    worst_label = f"{words.load_of(worst)}: what a frame needs at worst; {words.short_load(after)} with proxies"
    figures = [
        (words.percent(analysis.smooth_share), "plays in real time"),
        *([(words.percent(analysis.smooth_share_linked), "with the proxies that are linked")] if analysis.linked else []),
        (words.percent(analysis.smooth_share_with_proxies), "with the proxies below"),
        (str(len(stutters)), "stretch stutters" if len(stutters) == 1 else "stretches stutter"),
        (words.short_load(worst), worst_label),
    ]
    for figure, label in figures:
        yield f'<div><b>{_text(figure)}</b><span class="soft">{_text(label)}</span></div>'


def _verdict(analysis: Analysis, stutters: tuple[Region, ...]) -> str:
    if not stutters and analysis.missing_share:
        return f"What is there plays in real time; {words.percent(analysis.missing_share)} of the timeline has media missing."
    if not stutters:
        return "This machine plays the whole timeline in real time."
    proxies = [s for s in analysis.suggestions if s.remedy is Remedy.PROXY]
    if analysis.linked and not proxies:
        share = words.percent(analysis.smooth_share_linked)
        return f"With the proxies that are linked {share} plays in real time; {words.linked_proxies(analysis)}."
    if not proxies:
        return "Proxies would not help here: effects and layers take the time. What would is: otio-perf prerender TIMELINE"
    seconds, size = sum(s.work_seconds for s in proxies), sum(s.size_bytes for s in proxies)
    noun = "proxy" if len(proxies) == 1 else "proxies"
    return f"{len(proxies)} {noun} would help: about {words.duration(seconds)} of work and {words.size(size)} in all."


# -- the drawing -------------------------------------------------------------------------------------------------------


def _tracks(survey: Survey) -> dict[int, list[Use]]:
    """Video uses by layer, top layer first, as editors see them."""
    found: dict[int, list[Use]] = {}
    for use in survey.uses:
        if use.track_kind is TrackKind.VIDEO:
            found.setdefault(use.track, []).append(use)
    return dict(sorted(found.items(), reverse=True)[:_MOST_TRACKS])


def _names(survey: Survey, tracks: Iterable[int], *, is_dense: bool) -> str:
    scale = ("100 %", "of the stretch", "") if is_dense else (f"{_TALLEST_FACTOR:g} ×", "1 ×", f"{_height(1.0):.0f}")
    top, second, height = scale
    second = f'<div style="position:absolute;right:0;bottom:{height}px">{second}</div>' if height else f"<div>{second}</div>"
    rows = [f'<div style="height:{_BAR_HEIGHT}px;margin-bottom:8px;position:relative;line-height:1.2">{top}{second}</div>']
    for track in tracks:
        name = survey.layers[track] if track < len(survey.layers) else ""
        rows.append(f'<div style="height:{_TRACK_HEIGHT}px;margin-bottom:4px">{_text(name or f"layer {track + 1}")}</div>')
    return "".join(rows)


def _drawing(analysis: Analysis, tracks: dict[int, list[Use]]) -> str:
    survey = analysis.survey
    length = max(1, survey.duration.stop)
    missing = {m.path for m in analysis.media if m.state in ("offline", "refused", "missing")}
    is_dense = len(analysis.spans) > _DENSE
    bars = _stacks(survey, cells(analysis, _STACKS), length) if is_dense else _bars(survey, analysis.spans, length)
    parts = [_chart(bars, is_dense=is_dense)]
    parts += [_track(survey, uses, length, missing) for uses in tracks.values()]
    return "".join([*parts, _times(survey, length)])


def _bars(survey: Survey, spans: Iterable[SpanCost], length: int) -> Iterator[str]:
    """A bar for each span, as high as it costs, and a blue line where proxies would bring it."""
    for cost in spans:
        if state_of(cost) == "empty":
            continue
        position = cost.span.position
        x, width = position.start / length * _UNITS, len(position) / length * _UNITS
        height = max(3.0, _height(cost.factor))
        after = ""
        if cost.with_proxy_factor is not None:
            after = f'<path class="after" d="M{x:.2f} {_BAR_HEIGHT - _height(cost.with_proxy_factor):.1f}h{width:.2f}"/>'
        yield _group(_said(survey, cost), x, width, [(colour_of(cost), _BAR_HEIGHT - height, height)], after)


def _stacks(survey: Survey, found: Iterable[Cell], length: int) -> Iterator[str]:
    """Too many spans for bars: each stretch of equal length shows the shares of its colours, stacked."""
    for cell in found:
        if cell.worst is None:
            continue
        x, width = cell.start / length * _UNITS, (cell.stop - cell.start) / length * _UNITS
        rects, base = [], float(_BAR_HEIGHT)
        for colour, share in cell.shares:
            base -= share * _BAR_HEIGHT
            if colour != "empty":
                rects.append((colour, base, share * _BAR_HEIGHT))
        shares = ", ".join(f"{words.percent(share)} {_NAMES[colour]}" for colour, share in cell.shares)
        lines = [f"{survey.timecode(cell.start)} – {survey.timecode(cell.stop)}: {cell.spans} spans; {shares}"]
        yield _group([*lines, "at worst:", *_said(survey, cell.worst)], x, width, rects, "")


def _group(lines: Iterable[str], x: float, width: float, rects: Iterable[tuple[str, float, float]], after: str) -> str:
    """One thing to point at or step to: its title, a ground that takes the pointer, and coloured rectangles."""
    at = f'x="{x:.2f}" width="{width:.2f}"'
    drawn = "".join(f'<rect class="{colour}" {at} y="{y:.1f}" height="{height:.1f}"/>' for colour, y, height in rects)
    ground = f'<rect {at} y="0" height="{_BAR_HEIGHT}" fill="transparent"/>'
    return f'<g class="span" tabindex="0"><title>{_text_lines(lines)}</title>{ground}{drawn}{after}</g>'


def _chart(bars: Iterable[str], *, is_dense: bool) -> str:
    budget = "" if is_dense else f'<path class="budget" d="M0 {_BAR_HEIGHT - _height(1.0):.1f}H{_UNITS}"/>'
    return (
        f'<svg viewBox="0 0 {_UNITS} {_BAR_HEIGHT}" height="{_BAR_HEIGHT}" style="margin-bottom:8px" '
        f'preserveAspectRatio="none" role="group" aria-label="Cost of each stretch of the timeline">'
        f'<rect class="ground" width="{_UNITS}" height="{_BAR_HEIGHT}"/>{"".join(bars)}{budget}</svg>'
    )


def _height(factor: float) -> float:
    """Square root: small differences around 1 show, and 4 is no skyscraper."""
    return _BAR_HEIGHT * math.sqrt(min(factor, _TALLEST_FACTOR) / _TALLEST_FACTOR)


def _said(survey: Survey, cost: SpanCost) -> list[str]:
    position = cost.span.position
    lines = [f"{survey.timecode(position.start)} – {survey.timecode(position.stop)}", *cost.reasons]
    if cost.with_proxy_factor is not None:
        lines.append(f"with proxies: {words.load(cost.with_proxy_factor)}")
    return lines


def _text_lines(lines: Iterable[str]) -> str:
    return "\n".join(_text(line) for line in lines)


def _track(survey: Survey, uses: list[Use], length: int, missing: set[str]) -> str:
    drawn = []
    for start, stop, first, count in _blocks(uses, length):
        x, width = start / length * _UNITS, max(0.6, (stop - start) / length * _UNITS)
        is_gone = (first.target.path or first.target.url) in missing
        names = [first.clip or "clip", first.target.path or first.target.url] if count == 1 else [f"{count} clips"]
        lines = [f"{survey.timecode(start)} – {survey.timecode(stop)}", *names]
        if is_gone and count == 1:
            lines.append("media missing")
        look = "clip gone" if is_gone else "clip fine" if width < _FINE else "clip"
        drawn.append(
            f'<g tabindex="-1"><title>{_text_lines(lines)}</title><rect class="{look}" '
            f'x="{x:.2f}" y="0" width="{width:.2f}" height="{_TRACK_HEIGHT}" rx="1"/></g>'
        )
    return (
        f'<svg viewBox="0 0 {_UNITS} {_TRACK_HEIGHT}" height="{_TRACK_HEIGHT}" style="margin-bottom:4px" '
        f'preserveAspectRatio="none"><rect class="ground" width="{_UNITS}" height="{_TRACK_HEIGHT}"/>{"".join(drawn)}</svg>'
    )


def _blocks(uses: list[Use], length: int) -> Iterator[tuple[int, int, Use, int]]:
    """Start, stop, first clip, number of clips. Clips narrower than one unit are drawn together with their neighbours."""
    least = length / _UNITS
    held: tuple[int, int, Use, int] | None = None
    for use in sorted(uses, key=lambda u: u.position.start):
        position = use.position
        is_narrow = len(position) < least
        if held is not None and is_narrow and held[1] - held[0] < least and position.start - held[1] < least:
            held = (held[0], max(held[1], position.stop), held[2], held[3] + 1)
            continue
        if held is not None:
            yield held
        held = (position.start, position.stop, use, 1)
    if held is not None:
        yield held


def _times(survey: Survey, length: int) -> str:
    marks = 6
    labels = (
        f'<span style="left:{i * 100 / marks:.3f}%">{survey.timecode(length * i // marks)}</span>' for i in range(marks + 1)
    )
    return f'<div class="times">{"".join(labels)}</div>'


# -- the tables --------------------------------------------------------------------------------------------------------


def _suggestions(suggestions: tuple[Suggestion, ...]) -> str:
    if not suggestions:
        return ""
    best = max(s.gain_per_second for s in suggestions) or 1.0
    rows = []
    for number, one in enumerate(suggestions[:_MOST_ROWS], 1):
        width = max(2.0, 100 * math.sqrt(one.gain_per_second / best))
        rows.append(
            f'<tr><td class="n">{number}</td><td>{_text(one.text)}<br><span class="tag">{_text(words.command(one))}</span></td>'
            f'<td class="n">{_text(words.duration(one.work_seconds))}</td>'
            f'<td class="n">{_text(words.size(one.size_bytes))}</td>'
            f'<td class="n">{one.saved_ms:.0f} ms</td><td class="n">{len(one.spans)}</td>'
            f'<td style="min-width:110px"><span class="bar" style="width:{width:.0f}%"></span>'
            f'<span class="soft">{_text(words.factor(one.gain_per_second))} s per s</span></td></tr>'
        )
    return (
        '<h2>What would help, best gain per second of work first</h2><div class="card"><table><tr><th class="n"></th>'
        '<th>What</th><th class="n">work</th><th class="n">on disk</th><th class="n">saves a frame</th>'
        f'<th class="n">spans</th><th>playback saved per second of work</th></tr>{"".join(rows)}</table></div>'
    )


def _regions(survey: Survey, stutters: tuple[Region, ...]) -> str:
    if not stutters:
        return ""
    rows = []
    for region in stutters[:_MOST_ROWS]:
        head, *rest = region.worst.reasons or ("",)
        points = "".join(f'<li class="soft">{_text(r)}</li>' for r in rest)
        more = f"<ul>{points}</ul>" if rest else ""
        rows.append(
            f'<tr><td class="t">{survey.timecode(region.start)}<br>{survey.timecode(region.stop)}</td>'
            f'<td class="n">{_text(words.short_load(region.worst.factor))}</td>'
            f'<td class="n">{_text(words.short_load(region.with_proxy_factor) or "–")}</td>'
            f"<td>{_text(head)}{more}</td></tr>"
        )
    left = len(stutters) - _MOST_ROWS
    note = f'<p class="soft">and {left} shorter ones</p>' if left > 0 else ""
    return (
        '<h2>Stretches that stutter, most time lost first</h2><div class="card"><table><tr><th>from, to</th>'
        '<th class="n">needs, of the<br>time it has</th><th class="n">with proxies</th><th>why</th></tr>'
        f"{''.join(rows)}</table>{note}</div>"
    )


def _media(media: tuple[MediaFinding, ...], survey: Survey) -> str:
    absent = [m for m in media if m.state in ("offline", "refused", "missing")]
    lines = [f"<tr><td>{_text(m.path)}</td><td>{_text(m.state)}</td><td>{_text(m.reason or '')}</td></tr>" for m in absent]
    lines += [f"<tr><td>{_text(p.clip)}</td><td>clip left out</td><td>{_text(p.reason)}</td></tr>" for p in survey.problems]
    if not lines:
        return ""
    shown, left = lines[:_MOST_ROWS], len(lines) - _MOST_ROWS
    note = f'<p class="soft">and {left} more</p>' if left > 0 else ""
    return (
        '<h2>Not counted</h2><div class="card"><table><tr><th>what</th><th>state</th><th>why</th></tr>'
        f"{''.join(shown)}</table>{note}</div>"
    )


def _found(survey: Survey) -> str:
    """Media that no URL leads to, and how they were found all the same."""
    lines = [f"<tr><td>{_text(t.path)}</td><td>{_text(t.found_by)}</td></tr>" for t in survey.targets if t.found_by]
    if not lines:
        return ""
    left = len(lines) - _MOST_ROWS
    note = f'<p class="soft">and {left} more</p>' if left > 0 else ""
    return (
        '<h2>Found without a path</h2><div class="card"><table><tr><th>what</th><th>how</th></tr>'
        f"{''.join(lines[:_MOST_ROWS])}</table>{note}</div>"
    )
