"""Numbers and findings as people say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from otio_perf.model.analysis import Analysis, GoneProxy, Remedy, Suggestion
from otio_perf.model.results import LeftAlone
from otio_perf.model.uses import NAMELESS, Survey, TrackKind

#: What makes what is suggested.
COMMANDS = {Remedy.PROXY: "optimize", Remedy.PRERENDER: "prerender"}

#: Up to here a load is said as a share, and above as a multiple, of the time that there is.
_FITS = 0.995
#: Names that stand for more.
_MOST_NAMES = 5
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


def factor(value: float) -> str:
    """``2.6``."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"


def load(value: float) -> str:
    """Frame time over the time that a frame has: ``2.6 × the time it has``, ``40 % of the time it has``.

    Not "2.6 × real time", which editors read as faster than real time.
    """
    return f"{short_load(value)} {load_of(value)}"


def load_of(value: float) -> str:
    """What the number before it counts: ``the time it has``, ``of the time it has``."""
    return "of the time it has" if value <= _FITS else "the time it has"


def short_load(value: float | None) -> str:
    """``2.6 ×``, ``40 %``; nothing for nothing."""
    if value is None:
        return ""
    return percent(value) if value <= _FITS else f"{factor(value)} ×"


def percent(share: float) -> str:
    """Whole per cent that say 0 and 100 only where it is exact."""
    rounded = round(share * 100)
    return f"{min(99, max(1, rounded)) if 0 < share < 1 else rounded} %"


def timeline_facts(analysis: Analysis) -> str:
    """``1920x1080, 25 fps, 12 min, 3 video and 2 audio tracks, 214 clips; 62 % plays in real time``."""
    survey = analysis.survey
    clips = len(survey.uses)
    facts = [
        f"{survey.canvas[0]}x{survey.canvas[1]}" if survey.canvas else "",
        f"{float(survey.frame_rate):.5g} fps",
        duration(float(survey.duration.seconds)),
        _tracks(survey),
        count(clips, "clip"),
    ]
    plays = f"{percent(analysis.smooth_share)} plays in real time"
    if analysis.linked:
        plays += f" with the originals, {percent(analysis.smooth_share_linked)} with the proxies that are linked"
    if analysis.missing_share:
        plays += f", {percent(analysis.missing_share)} has media missing"
    return f"{', '.join(filter(None, facts))}; {plays}"


def _tracks(survey: Survey) -> str:
    """Tracks with clips, nested ones laid flat: ``3 video and 2 audio tracks``."""
    kinds: dict[int, TrackKind] = {}
    for use in survey.uses:
        kinds.setdefault(use.track, use.track_kind)
    numbers = [(sum(k is kind for k in kinds.values()), kind.value) for kind in (TrackKind.VIDEO, TrackKind.AUDIO)]
    there = [(number, name) for number, name in numbers if number]
    if not there:
        return count(len(survey.layers), "track")
    return " and ".join(f"{number} {name}" for number, name in there) + (" track" if there[-1][0] == 1 else " tracks")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 proxy``, ``2 proxies``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def names(several: Iterable[str]) -> str:
    """``A, B, C, D, E …``: each once."""
    found = list(dict.fromkeys(several))
    return ", ".join(found[:_MOST_NAMES]) + (" …" if len(found) > _MOST_NAMES else "")


def left_alone(several: Iterable[LeftAlone]) -> dict[str, str]:
    """Clips, and why they were left alone; those with one reason together: ``12 clips (A, B, C, D, E …)``."""
    by_reason: dict[str, list[str]] = {}
    for one in several:
        by_reason.setdefault(one.reason, []).append(one.clip)
    found: dict[str, str] = {}
    for reason, clips in by_reason.items():
        who = clips[0] if len(clips) == 1 else f"{len(clips)} clips ({names(clips)})"
        found[who] = f"{found[who]}; {reason}" if who in found else reason
    return found


def failed(reasons: Mapping[str, str], surveys: Iterable[Survey]) -> dict[str, str]:
    """Media that failed, by name; clips that refer to none, by theirs."""
    found = {medium: reason for medium, reason in reasons.items() if medium != NAMELESS}
    if NAMELESS in reasons:
        clips = [use.clip for survey in surveys for use in survey.uses if use.target.medium == NAMELESS]
        found[names(clips)] = reasons[NAMELESS]
    return found


def gone_proxies(gone: Sequence[GoneProxy]) -> str:
    """``12 clips refer to proxies that are gone (A001_1080p.mov …): …``; nothing where none is."""
    if not gone:
        return ""
    clips = count(sum(g.clips for g in gone), "clip refers", "clips refer")
    more = " …" if len(gone) > 1 else ""
    return (
        f"{clips} to {'a proxy that is' if len(gone) == 1 else f'{len(gone)} proxies that are'} gone ({gone[0].path}{more}): "
        f"make {'it' if len(gone) == 1 else 'them'} anew with otio-perf optimize, "
        "or go back to the originals with otio-perf restore"
    )


def linked_proxies(analysis: Analysis) -> str:
    """``5 media have proxies that are linked already, and need no others: A001.mp4, B002.mov …``; nothing where none has."""
    if not analysis.linked:
        return ""
    several = names(one.media_path.rpartition("/")[2] for one in analysis.linked)
    have = (
        "have proxies that are linked already, and need"
        if len(analysis.linked) > 1
        else "has a proxy that is linked already, and needs"
    )
    return f"{count(len(analysis.linked), 'medium', 'media')} {have} no other: {several}"


def command(one: Suggestion) -> str:
    """What makes it, as one types it."""
    return f"otio-perf {COMMANDS[one.remedy]} TIMELINE"


def suggestion(one: Suggestion) -> str:
    """``1080p proxy of A001.mp4: 9 s of work, 210 MB; saves 61 ms a frame in 12 spans``."""
    spans = count(len(one.spans), "span")
    what = f" after the proxies; made by: {command(one)}" if one.remedy is Remedy.PRERENDER else ""
    return (
        f"{one.text}: {duration(one.work_seconds)} of work, {size(one.size_bytes)}; "
        f"saves {one.saved_ms:.0f} ms a frame in {spans}{what}"
    )
