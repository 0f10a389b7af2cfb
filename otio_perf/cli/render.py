"""A finished movie of a timeline, with its effects and its sound.

Rendered piece by piece: an interrupted run goes on, an unchanged timeline is not rendered again, an edit costs what it changed.
Clips that are already what is wanted are copied as they are. Sources are decoded by the processor, also where a GPU renders:
hardware conceals damage. Sizes are rounded to even numbers.
"""

from __future__ import annotations

import argparse
from pathlib import PurePath
from typing import TYPE_CHECKING

from otio_perf.cli import options
from otio_perf.model.exports import ALPHAS, CODECS, SOUNDS
from otio_perf.model.sound import Pitch

if TYPE_CHECKING:
    from otio_perf.model.exports import ExportReport

_MOST_ROWS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help="timeline file (.otio, .otioz, EDL, FCP XML, AAF …)")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="movie to write: .mov, .mp4 or .mkv")
    parser.add_argument(
        "--codec",
        metavar="CODEC",
        help=f"{', '.join(CODECS)} (default: prores_422 in .mov, h264 in .mp4 and .mkv)",
    )
    parser.add_argument("--quality", type=int, default=80, metavar="0-100", help="default: 80; DNxHR has one rate")
    options.add_size(parser)
    parser.add_argument(
        "--alpha",
        choices=ALPHAS,
        default="black",
        help="black (default): opaque, black where nothing is; keep: transparent there, with straight alpha, in prores_4444, "
        "which is then the default codec",
    )
    add_range(parser)
    options.add_fidelity(
        parser, exact="no movie where effects are not rendered as the editing program does", unknown="leave out what is unknown"
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="a slate with its name stands for a medium that is not there, or a clip of which the timeline says what makes no "
        "sense (a speed that is no number); an effect without its file is left out",
    )
    parser.add_argument(
        "--audio",
        choices=SOUNDS,
        default="mix",
        help="mix (default): all audio tracks as 48 kHz stereo, PCM in .mov and .mkv, AAC in .mp4; mono, 5.1, 7.1: as many "
        "channels; none: a silent movie",
    )
    parser.add_argument(
        "--pitch",
        choices=[pitch.value for pitch in Pitch],
        default=Pitch.FOLLOW.value,
        help="of sound that is played faster or slower: follow (default), as a tape does, or keep",
    )
    options.add_sources(parser)
    parser.add_argument(
        "--no-pass-through",
        action="store_true",
        help="render also what could be copied from the sources; the encoder of a GPU is used then, where there is one",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done: frames, bytes, predicted time")
    options.add_settings(parser, "workspace", "gpu", "colour", "jobs", "stall_seconds", *options.READING)
    options.add_output(parser, json="what was done")


def add_range(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--range",
        metavar="START-END",
        help="only these frames, END being the first that is not in it: frames (48-96), timecodes "
        "(01:00:02:00-01:00:04:00) or seconds (2.5s-4s); one of both may be left out (default: all)",
    )


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import optimizer
    from otio_perf.cli import beside_service, console
    from otio_perf.reports import exports

    with (
        console.job(arguments) as job,
        beside_service.yielding(job.settings, arguments.timeline, is_working=not arguments.dry_run),
    ):
        report = optimizer.export(
            arguments.timeline,
            arguments.output,
            movie_codec=arguments.codec,
            movie_quality=arguments.quality,
            size=arguments.size,
            alpha=arguments.alpha,
            range=arguments.range,
            fidelity=arguments.fidelity,
            allow_missing=arguments.allow_missing,
            audio=arguments.audio,
            pitch=arguments.pitch,
            use_proxies=arguments.use_proxies,
            pass_through=not arguments.no_pass_through,
            dry_run=arguments.dry_run,
            **job.options,
        )
    job.answer(
        table=lambda: _show(report, dry_run=arguments.dry_run),
        document=lambda: exports.export_document(report),
    )
    job.complain({f"{one.start_timecode} – {one.stop_timecode}": one.reason for one in report.problems})
    if report.is_barred:
        return 5
    return 4 if any(one.kind != "approximate" for one in report.problems) else 0


def _show(report: ExportReport, *, dry_run: bool) -> None:
    from rich.markup import escape

    from otio_perf.cli import lines
    from otio_perf.cli.console import stdout
    from otio_perf.reports import words

    def safe(text: str) -> str:
        return escape(lines.line(text))

    console = stdout()
    for one in report.problems[:_MOST_ROWS]:
        console.print(f"  {one.start_timecode} – {one.stop_timecode} {safe(one.reason)}")
    if len(report.problems) > _MOST_ROWS:
        console.print(f"  … and {len(report.problems) - _MOST_ROWS} more; --json has them all")
    kinds = {one.kind for one in report.problems if one.is_in_the_way}
    if kinds:
        console.print("No movie was made.")
        if kinds & {"approximate", "unknown"}:
            wider = "any" if "unknown" in kinds else "approximate"
            console.print(f"  --fidelity {wider} renders it nevertheless")
        if kinds & {"missing", "unusable"}:
            console.print(
                "  --allow-missing renders all the same: slates and silence stand for what is missing or not usable, and "
                "effects whose file is missing are left out"
            )
        if "missing" in kinds:
            console.print("  --media-root says where to look for media and LUTs")
        return
    counts = {
        "rendered": report.counts.rendered,
        "there already": report.counts.reused,
        "copied from the sources": report.counts.copied,
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    with_alpha = " with alpha" if report.recipe.keeps_alpha else ""
    size = f"{report.width}x{report.height} {report.codec}{with_alpha}, {words.count(report.frames, 'frame')}: {told}"
    if dry_run:
        seconds = words.duration(report.predicted_seconds or 0.0)
        console.print(f"{size}; {words.size(report.predicted_bytes)}, about {seconds} on this machine. Nothing was made.")
        return
    console.print(f"{size}; {words.size(report.size_bytes)}, in {words.duration(report.seconds)}")
    console.print(f"  rendered by: {safe(report.engine)}")
    for left in report.not_copied[:_MOST_ROWS]:
        name = PurePath(left.path).name
        console.print(f"  not copied: {words.count(left.frames, 'frame')} of {safe(name)}: {safe(left.reason)}")
    for note in () if report.sound is None else report.sound.notes:
        console.print(f"  sound: {safe(note)}")
    name = safe(str(PurePath(report.path)))
    console.print(f"wrote {name}" if report.is_new else f"{name} was there already, just so")
