"""What was found in editing programs and done to them, in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from otio_perf.cli.console import stdout
from otio_perf.errors import printable
from otio_perf.hosts.rooms import ROOMS
from otio_perf.model.installing import HostChange, HostFinding, HostState, Step

_STEPS = {Step.WRITTEN: "wrote", Step.UNCHANGED: "unchanged", Step.REMOVED: "removed", Step.LEFT: "left"}
_MOST_FOLDERS = 8


def show_hosts(states: Sequence[HostState]) -> None:
    console = stdout()
    if not states:
        names = ", ".join(room.title for room in ROOMS.values())
        console.print(f"None of these was found: {names}")
        return
    for state in states:
        one = state.installation
        console.print(f"[bold]{ROOMS[one.host].title}[/] {_safe(one.version or 'of unknown version')} ({one.packaging})")
        console.print(f"  program    {_safe(one.program or 'not found')}", soft_wrap=True)
        console.print(f"  settings   {_safe(one.config_folder)}", soft_wrap=True)
        console.print(f"  data       {_safe(one.data_folder)}", soft_wrap=True)
        if one.cache_folder:
            console.print(f"  cache      {_safe(one.cache_folder)}", soft_wrap=True)
        if ROOMS[one.host].parts:
            console.print(f"  installed  {_safe(state.command or f'no: otio-perf host install {one.host}')}", soft_wrap=True)


def show_changes(host: str, changes: Sequence[HostChange], steps: Sequence[str]) -> None:
    console = stdout()
    for change in changes:
        note = f": {change.note}" if change.note else ""
        console.print(f"{_STEPS[change.step]} {_safe(change.path)}{_safe(note)}", soft_wrap=True)
    title = ROOMS[host].title
    if steps:
        console.print(f"The settings of {title} are yours. What there is to do:")
        for number, step in enumerate(steps, 1):
            console.print(f"  {number}. {_safe(step)}", soft_wrap=True)
    elif not changes:
        console.print(f"There is nothing of ours in {title}.")
    elif any(change.step is Step.WRITTEN for change in changes):
        console.print(f"{title} shows what is new when it is started again.")


def show_own_folders(workspaces: Sequence[Path], cache: Path) -> None:
    """What is left on the machine, for projects may show it. :param cache: of the user, with what was measured"""
    named = ", ".join(map(str, workspaces[:_MOST_FOLDERS])) + (", …" if len(workspaces) > _MOST_FOLDERS else "")
    if workspaces:
        said = (
            f"Proxies and prerenders are still in {named}: otio-perf cache clear --workspace FOLDER deletes them (what a "
            f"project shows stays, and is named); then the folders can be deleted, and {cache}"
        )
    elif cache.is_dir():
        said = f"What otio-perf has measured is still in {cache}: it can be deleted"
    else:
        return
    stdout().print(_safe(said), soft_wrap=True)


def show_findings(findings: Sequence[HostFinding]) -> None:
    console = stdout()
    above = None
    for one in findings:
        if (place := (one.host, one.packaging)) != above:
            above = place
            console.print(f"[bold]{ROOMS[one.host].title}[/]{f' ({one.packaging})' if one.packaging else ''}")
        mark = "[green]ok[/]   " if one.works else "[red]fails[/]" if one.required else "[yellow]no[/]   "
        console.print(f"  {mark}  {_safe(one.name)}: {_safe(one.found)}", soft_wrap=True)
        if one.hint:
            console.print(f"         → {_safe(one.hint)}", soft_wrap=True)


def _safe(text: str) -> str:
    return escape(printable(text))
