"""Numbers and findings as people say them."""

from __future__ import annotations

from otio_perf.model.analysis import Analysis, Remedy, Suggestion

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def size(size_bytes: float) -> str:
    """``210 MB``: decimal units, as disks are sold."""
    amount, unit = float(size_bytes), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if amount >= 9.95 or unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """``9 s``, ``2 min 5 s``, ``3 h 20 min``."""
    if seconds < 0.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left} min" if left else f"{hours} h"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{whole} s"


def factor(value: float | None) -> str:
    """``2.6``; a dash for nothing."""
    return "–" if value is None else f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"


def percent(share: float) -> str:
    """Whole per cent that say 0 and 100 only where it is exact."""
    rounded = round(share * 100)
    return f"{min(99, max(1, rounded)) if 0 < share < 1 else rounded} %"


def timeline_facts(analysis: Analysis) -> str:
    """``1920x1080, 25 fps, 12 min, 3 layers, 214 clips; 62 % plays in real time``."""
    survey = analysis.survey
    layers, clips = len(survey.layers), len(survey.uses)
    facts = [
        f"{survey.canvas[0]}x{survey.canvas[1]}" if survey.canvas else "",
        f"{float(survey.frame_rate):.5g} fps",
        duration(float(survey.duration.seconds)),
        count(layers, "layer"),
        count(clips, "clip"),
    ]
    plays = f"{percent(analysis.smooth_share)} plays in real time"
    if analysis.missing_share:
        plays += f", {percent(analysis.missing_share)} has media missing"
    return f"{', '.join(filter(None, facts))}; {plays}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 proxy``, ``2 proxies``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def suggestion(one: Suggestion) -> str:
    """``1080p proxy of A001.mp4: 9 s of work, 210 MB; saves 61 ms a frame in 12 spans``."""
    spans = count(len(one.spans), "span")
    what = " after the proxies; comes with a later version" if one.remedy is Remedy.PRERENDER else ""
    return (
        f"{one.text}: {duration(one.work_seconds)} of work, {size(one.size_bytes)}; "
        f"saves {one.saved_ms:.0f} ms a frame in {spans}{what}"
    )
