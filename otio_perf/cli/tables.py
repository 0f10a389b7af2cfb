"""Answers as tables for people. Names from timelines and files are printed as they are, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from otio_perf.cache.housekeeping import Fault, Freed, Status
from otio_perf.cli import lines
from otio_perf.cli.console import stdout
from otio_perf.cli.media_lines import media_lines
from otio_perf.errors import printable
from otio_perf.model.analysis import Analysis, MediaFinding
from otio_perf.model.events import Failed, Ready
from otio_perf.model.frames import with_reasons
from otio_perf.model.machine import MachineProfile
from otio_perf.model.plans import Action, Decision, Product
from otio_perf.model.results import Check, PrerenderReport, ProxyDifference, ProxyReport, StillReport, WrittenTimeline
from otio_perf.model.uses import TargetKind
from otio_perf.planning import explain
from otio_perf.reports import terminal, words

_STYLES = {"smooth": "green", "close": "yellow", "slow": "red", "empty": "dim", "offline": "magenta"}
_MOST_ROWS = 20


def show_analysis(analysis: Analysis) -> None:
    console = stdout()
    console.print(f"[bold]{_safe(analysis.survey.name)}[/]  {words.timeline_facts(analysis)}")
    console.print(_strip(analysis, min(console.width, 100)))
    console.print(f"[dim]{terminal.LEGEND}[/]")
    rows = terminal.rows(analysis)
    if rows:
        console.print()
    for row in rows[:_MOST_ROWS]:
        console.print(f"[bold]{row.start} – {row.stop}[/]  {row.load}")
        _print_indented(console, _safe(row.reasons), 4)
    if len(rows) > _MOST_ROWS:
        console.print(f"… and {len(rows) - _MOST_ROWS} more regions; --json or --html has them all")
    _show_absent(analysis.media)
    nameless = [use.clip for use in analysis.survey.uses if use.target.kind is TargetKind.MISSING]
    if nameless:
        console.print(
            f"  {words.count(len(nameless), 'clip refers', 'clips refer')} to no media: {_safe(words.names(nameless))}. "
            "Say where files of these names are with --media-root"
        )
    if analysis.gone:
        console.print(f"  [magenta]{_safe(words.gone_proxies(analysis.gone))}[/]")
    if analysis.linked:
        console.print(f"  {_safe(words.linked_proxies(analysis))}")
    if analysis.suggestions:
        console.print("\nWhat would help, best gain per second of work first (proxies are made by: otio-perf optimize):")
        for number, suggestion in enumerate(analysis.suggestions[:10], 1):
            _print_indented(console, f"{number:2}. {_safe(words.suggestion(suggestion))}", 1)


def show_gain(analyses: Iterable[Analysis]) -> None:
    """What the proxies make of the timelines, and what is left."""
    console = stdout()
    for analysis in analyses:
        before, after = analysis.smooth_share, analysis.smooth_share_with_proxies
        console.print(
            f"{_safe(analysis.survey.name)}: {words.percent(before)} plays in real time on this machine as it was, "
            f"{words.percent(after)} with proxies (predicted)"
        )


def show_proxies(report: ProxyReport, *, dry_run: bool) -> None:
    console = stdout()
    outcomes = {o.key: o for o in report.outcomes}
    table = _table("Media", "What", "Why" if dry_run else "Result")
    for decision in report.plan.decisions:
        name = printable(decision.target.path or decision.target.url).rpartition("/")[2] or "(no media)"
        table.add_row(_safe(name), decision.action.value, _safe(_result(decision, outcomes, dry_run=dry_run)))
    if report.plan.decisions:
        console.print(table)
    plan = report.plan
    making = plan.with_action(Action.MAKE)
    if dry_run and not making:
        looked_at = words.count(len({d.target.path or d.target.url for d in plan.decisions}), "medium", "media")
        is_fine = all(d.action is Action.SKIP for d in plan.decisions)
        told = (
            f"{looked_at}, {'none needs a proxy' if is_fine else 'none is to get a new proxy'}"
            if plan.decisions
            else "no media"
        )
        console.print(f"{told}. Nothing was made.")
        return
    if dry_run:
        count = words.count(sum(len(d.products) for d in making), "proxy", "proxies")
        console.print(
            f"{count} from {len(making)} media: {words.size(plan.predicted_bytes)}, "
            f"about {words.duration(plan.predicted_seconds)} on this machine. Nothing was made."
        )
        return
    made = [p for o in report.outcomes if isinstance(o, Ready) for p in o.products]
    count, size = words.count(len(made), "proxy", "proxies"), words.size(sum(p.size_bytes for p in made))
    failed = f"; {len(report.failed)} failed" if report.failed else ""
    console.print(f"{count} made, {size}, in {words.duration(report.seconds)}{failed}")
    there = [*made, *(p for d in plan.decisions for p in d.products if p.digest)]
    _show_folders(there, report.folder)
    for look in dict.fromkeys(explain.look_words(p.recipe) for p in there if not p.recipe.is_plain):
        console.print(f"  with {_safe(look)}")
    sources = {
        p.key: PurePath(printable(d.target.path or d.target.url)).name for d in report.plan.decisions for p in d.products
    }
    noted: dict[str, list[str]] = {}
    for outcome in report.outcomes:
        if not isinstance(outcome, Ready):
            continue
        for note in outcome.notes:
            noted.setdefault(note, []).extend(sources[p.key] for p in outcome.products if p.key in sources)
    for note, media in sorted(noted.items()):
        console.print(f"  {_safe(words.names(sorted(media)))}: {_safe(note)}")


#: So many folders are named; of more the first.
_FEW_FOLDERS = 3


def _show_folders(products: Iterable[Product], own: str) -> None:
    """The project's ``own`` first."""
    folders = list(dict.fromkeys(str(PurePath(p.path).parent) for p in products if not p.is_adopted))
    folders.sort(key=lambda folder: folder != own)
    if folders:
        few = folders if len(folders) <= _FEW_FOLDERS else folders[:1]
        more = [words.count(len(folders) - 1, "other folder")] if len(few) < len(folders) else []
        stdout().print(f"proxies are in {' and '.join([*map(_safe, few), *more])}", soft_wrap=True)


def show_written(written: Iterable[WrittenTimeline], what: str, *, otherwise: str | None = None) -> None:
    """:param otherwise: what was done where no clip was changed"""
    console = stdout()
    for timeline in written:
        did = otherwise if otherwise and not timeline.changed_clips else f"{words.count(timeline.changed_clips, 'clip')} {what}"
        console.print(f"wrote {_safe(timeline.path)}: {did}")
        left_alone = list(words.left_alone(timeline.left_alone).items())
        for clips, reason in left_alone[:_MOST_ROWS]:
            console.print(f"  left alone: {_safe(clips)}: {_safe(reason)}")
        if len(left_alone) > _MOST_ROWS:
            console.print(f"  … and {len(left_alone) - _MOST_ROWS} more; --json has them all")
        for broken in timeline.broken[:_MOST_ROWS]:
            console.print(f"  broken proxy: {_safe(broken.path)}: {_safe(broken.reason)}")
        if len(timeline.broken) > _MOST_ROWS:
            console.print(f"  … and {len(timeline.broken) - _MOST_ROWS} more; --json has them all")


def show_media(findings: Sequence[MediaFinding], differences: Sequence[ProxyDifference] | None = None) -> None:
    """:param differences: what keeps them from being proxies, where that was asked; ``None``: it was not"""
    console = stdout()
    for finding in findings:
        if finding.info is None:
            reason = finding.reason or finding.state  # of what is offline, the reason says so itself
            said = reason if finding.state == "offline" else f"{finding.state}: {reason}"
            console.print(f"[bold]{_safe(finding.path)}[/]\n  {_safe(said)}")
        else:
            console.print(f"[bold]{_safe(finding.path)}[/]")
            for line in media_lines(finding.info):
                console.print(f"  {_safe(line)}")
            if differences is not None:
                texts = [d.text for d in differences if d.path == finding.path]
                for text in texts or ["can stand for it"]:
                    console.print(f"  [{'red' if texts else 'green'}]{_safe(text)}[/]")


def show_machine(machine: MachineProfile) -> None:
    console = stdout()
    console.print(f"{_safe(machine.machine)}\nmeasured {machine.measured_at} in {machine.seconds_taken:.1f} s")
    table = _table("Decoding", "ms of a 1080p frame", "ms of a 4K frame")
    for codec, cost in sorted(machine.decode.items()):
        # at 0.1 bit per pixel: an ordinary camera file
        cells = [f"{cost.per_frame + cost.per_megapixel * mp + cost.per_megabit * mp * 0.1:.1f}" for mp in (2.07, 8.29)]
        table.add_row(codec.replace(":10", " 10-bit"), *cells)
    console.print(table)
    table = _table("Encoding proxies", "ms of a 1080p frame")
    for codec, per_megapixel in sorted(machine.encode_ms_per_megapixel.items()):
        table.add_row(codec, f"{per_megapixel * 2.07:.1f}")
    console.print(table)
    for note in machine.notes:
        _print_indented(console, _safe(note), 2)


def show_checks(checks: Sequence[Check]) -> None:
    console = stdout()
    table = _table("", "What", "Found")
    never: dict[str, list[str]] = {}
    for check in checks:
        if not check.was_tried:
            never.setdefault(check.found, []).append(check.name)
            continue
        mark = "[green]ok[/]" if check.works else "[red]missing[/]" if check.required else "[yellow]no[/]"
        table.add_row(mark, _safe(check.name), _safe(check.found))
    console.print(table)
    if never:
        console.print("Never run here:")
    for why, names in never.items():
        console.print(f"  {_safe(', '.join(names))}: {_safe(why)}")


def show_status(status: Status) -> None:
    console = stdout()
    console.print(f"workspace {_safe(status.workspace)}")
    console.print(f"  {words.count(status.proxies, 'proxy', 'proxies')}, {words.size(status.proxy_bytes)}")
    if status.renders or status.chunks:
        regions = words.count(status.renders, "prerendered region")
        console.print(
            f"  {regions}, {words.size(status.render_bytes)}; {words.count(status.chunks, 'piece')} to join them of, "
            f"{words.size(status.chunk_bytes)}"
        )
    if status.stale:
        are = "is stale: its source has" if status.stale == 1 else "are stale: their sources have"
        console.print(f"  {status.stale} of them {are} changed since; the next run makes new ones")
    if status.sources_gone:
        have = "has lost its source: it is" if status.sources_gone == 1 else "have lost their sources: they are"
        console.print(f"  {status.sources_gone} of them {have} not where it was seen last")
    if status.missing:
        console.print(f"  {status.missing} more were made and are gone, or were changed by others")
    if status.others:
        names = ", ".join(map(_safe, status.others[:_MOST_ROWS])) + (" …" if len(status.others) > _MOST_ROWS else "")
        console.print(f"  {words.count(len(status.others), 'other workspace')} known here: {names}")
    if status.orphans:
        console.print(f"  {words.count(status.orphans, 'file')} left by runs that were killed; otio-perf cache verify --repair")
    if status.unknown_files:
        console.print(f"  {words.count(status.unknown_files, 'file')} in the proxy folder that nobody recorded")
    console.print(f"  {status.probes} media looked at; analysis data: {words.size(status.analysis_bytes + status.index_bytes)}")


def show_faults(faults: Sequence[Fault]) -> None:
    console = stdout()
    for fault in faults:
        console.print(f"{_safe(fault.path)}: {fault.reason}" + (f"; {fault.repair}" if fault.repair else ""))
    if not faults:
        console.print("every file is what it was when it was made")
    elif any(f.repair is None for f in faults):
        console.print("otio-perf cache verify --repair forgets what is broken, so that it is made anew, and tidies the rest")


def show_still(report: StillReport) -> None:
    console = stdout()
    console.print(f"{_safe(report.path)}: {report.width}x{report.height}, {words.count(len(report.frames), 'frame', 'frames')}")
    console.print(f"  rendered by: {_safe(report.engine)}")
    said: dict[str, list[str]] = {}  # what is true of several frames is said once
    for frame in report.frames:
        for what, names in (
            ("near to the host's, not equal", frame.approximate),
            ("left out, unknown", frame.unknown),
            ("missing, a slate stands for it", frame.missing),
            ("not usable, a slate stands for it", frame.unusable),
        ):
            if names:
                said.setdefault(f"{what}: {_safe(with_reasons(names, dict(frame.why)))}", []).append(frame.timecode)
    for what, timecodes in said.items():
        console.print(f"  {words.names(timecodes)} {what}")


#: By the mode of a prerender that found no region.
_NOTHING_TO_RENDER = {
    "auto": "Everything plays in real time here with the proxies that the timeline has; --prerender all renders all that has "
    "effects, transitions or several layers, too",
    "all": "Nothing has effects, transitions or several layers",
}


def show_prerender(report: PrerenderReport, *, dry_run: bool) -> None:
    console = stdout()
    table = _table("Region", "Frames", "New", "Why" if dry_run else "File")
    for region in report.regions[:_MOST_ROWS]:
        frames = region.stop - region.start
        what = "; ".join(region.reasons) if dry_run else PurePath(region.path).name
        times = f"{region.start_timecode} – {region.stop_timecode}"
        table.add_row(times, str(frames), str(region.new_frames), _safe(what))
    if report.regions:
        console.print(table)
    if len(report.regions) > _MOST_ROWS:
        console.print(f"… and {len(report.regions) - _MOST_ROWS} more regions; --json has them all")
    for left in report.left[:_MOST_ROWS]:
        word = "failed" if left.is_failure else "left to the editing program"
        console.print(f"  {word}: {left.start_timecode} – {left.stop_timecode}: {_safe(left.reason)}")
    if len(report.left) > _MOST_ROWS:
        console.print(f"  … and {len(report.left) - _MOST_ROWS} more; --json has them all")
    if not report.regions and not report.left:
        console.print(_NOTHING_TO_RENDER[report.mode])
    regions = words.count(len(report.regions), "region")
    size = f"{report.width}x{report.height} {report.recipe.codec}"
    if dry_run:
        console.print(
            f"{regions}, {words.count(report.new_frames, 'frame')} to render ({size}): {words.size(report.predicted_bytes)}, "
            f"about {words.duration(report.predicted_seconds)} on this machine. Nothing was made."
        )
        return
    there = words.size(sum(r.size_bytes for r in report.regions))
    new = words.count(report.new_frames, "frame")
    console.print(f"{regions} prerendered ({size}, {there}), {new} of them new, in {words.duration(report.seconds)}")
    console.print(f"  rendered by: {_safe(report.engine)}")
    if report.written is not None:
        console.print(f"wrote {_safe(report.written.path)}")
        for kept in report.written.left_alone[:_MOST_ROWS]:
            console.print(f"  left alone: {_safe(kept.clip)}: {_safe(kept.reason)}")


def show_freed(freed: Freed, *, dry_run: bool) -> None:
    console = stdout()
    rendered = [words.count(freed.chunks, "prerendered piece")] if freed.chunks else []
    rendered += [words.count(freed.renders, "prerendered region")] if freed.renders else []
    rendered += (
        [f"{words.count(freed.previews, 'chunk')} in Kdenlive's preview whose project is gone"] if freed.previews else []
    )
    proxies = [words.count(freed.proxies, "proxy", "proxies") + f" of {words.count(freed.sources, 'source')}"]
    what = [*(proxies if freed.proxies or not rendered else []), *rendered]
    said, freed_words = ("would be deleted", "to be freed") if dry_run else ("deleted", "freed")
    console.print(f"{', '.join(what)} {said}: {words.size(freed.size_bytes)} {freed_words}")
    if kept := freed.kept + freed.kept_proxies:
        stay, them = ("stays", "it") if kept == 1 else ("stay", "them")
        players = ", ".join(map(_safe, freed.players[:_MOST_ROWS])) + (" …" if len(freed.players) > _MOST_ROWS else "")
        counted = [words.count(freed.kept_proxies, "proxy", "proxies")] if freed.kept_proxies else []
        counted += [words.count(freed.kept, "prerendered region")] if freed.kept else []
        console.print(f"{' and '.join(counted)} {stay}, for timelines play {them}: {players}")
        console.print("  otio-perf restore takes them off a timeline; --force deletes them all the same")
    if dry_run:
        console.print("Nothing was deleted.")
    elif freed.proxies or freed.renders:
        console.print("Timelines that show them need otio-perf optimize again, or otio-perf restore.")


def _print_indented(console: Console, text: str, columns: int) -> None:
    """Wrapped within the indent in a terminal; on one line elsewhere, for rich cuts what it pads and does not wrap."""
    console.print(Padding(text, (0, 0, 0, columns)) if console.is_terminal else " " * columns + text)


def _result(decision: Decision, outcomes: Mapping[str, object], *, dry_run: bool) -> str:
    if decision.action is not Action.MAKE or dry_run:
        return decision.reason
    wanted = {p.key for p in decision.products}
    found: list[str] = []  # of several sizes some may be made, and others fail
    for outcome in outcomes.values():
        if isinstance(outcome, Ready) and wanted & {p.key for p in outcome.products}:
            size = words.size(sum(p.size_bytes for p in outcome.products))
            found.insert(0, f"{', '.join(p.path.rpartition('/')[2] for p in outcome.products)} ({size})")
        if isinstance(outcome, Failed) and outcome.path == decision.target.path:
            found.append(outcome.message)
    return "; ".join(found) or decision.reason


def _strip(analysis: Analysis, width: int) -> str:
    return "".join(f"[{_STYLES[state]}]{escape(character)}[/]" for character, state in terminal.strip_cells(analysis, width))


def _show_absent(media: Sequence[MediaFinding]) -> None:
    console = stdout()
    absent = [m for m in media if m.state in ("offline", "refused")]
    for finding in absent[:_MOST_ROWS]:
        console.print(f"  [magenta]{_safe(finding.path)}[/]: {_safe(finding.reason or finding.state)}")
    if len(absent) > _MOST_ROWS:
        console.print(f"  … and {len(absent) - _MOST_ROWS} more media that are not there")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _safe(text: str) -> str:
    return escape(lines.line(text))
