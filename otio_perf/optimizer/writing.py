"""Putting a timeline where the user said: what may not be written to is found before any work, edits are never lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from otio_perf.cache.players import Players
from otio_perf.errors import CacheError, MissingDependencyError, OtioPerfError, SettingsError, UnwritableTimelineError
from otio_perf.model.results import LeftAlone
from otio_perf.optimizer import placing, timelines
from otio_perf.optimizer.overwriting import is_input
from otio_perf.optimizer.session import Session
from otio_perf.timeline import bundles, files, projects, stamp
from otio_perf.timeline.files import Document
from otio_perf.timeline.linked import shown
from otio_perf.timeline.locate import Locator, Reference
from otio_perf.timeline.mlt.overlay import Overlay
from otio_perf.timeline.mlt.preview import Preview
from otio_perf.timeline.overlay import regions_of

#: Names that we give: ``cut.perf``, ``cut.perf2`` …
_OPTIMIZED = re.compile(r"(?P<name>.+)\.perf(?P<number>\d{1,9})?", re.DOTALL)


def optimized_name(path: Path) -> str:
    """What ``path`` is called once it is optimized: ``cut.perf.otio``; of that ``cut.perf2.otio``, and so on. A project stays
    one, ``cut.perf.kdenlive``, for its program to open.

    Inputs are never overwritten, and what is optimized again is told by its number. The same input leads to the same name.
    """
    again = _OPTIMIZED.fullmatch(path.stem)
    suffix = path.suffix if path.suffix.lower() in files.PROJECTS else ".otio"
    return f"{again['name']}.perf{int(again['number'] or 1) + 1}{suffix}" if again else f"{path.stem}.perf{suffix}"


def refuse_unusable(inputs: Sequence[Path], output: Path, *, makes_folder: bool = False) -> None:
    """Before any work is done: may a timeline be written to ``output``?

    :param makes_folder: its folder is made if it is not there.
    :raises SettingsError: it is one of ``inputs``, also by another name; a link that leads nowhere; of a format that nobody
        here can write.
    :raises UnwritableTimelineError: its folder is not there.
    :raises MissingDependencyError: the package that could is not installed.
    """
    files.clear_up(output)
    try:
        files.refuse_unwritable(output)
    except MissingDependencyError:
        raise
    except OtioPerfError as e:
        raise SettingsError(e.message, path=e.path, hint=e.hint) from e
    try:
        is_taken = is_input(output, inputs)
        has_folder = makes_folder or output.absolute().parent.is_dir()
    except OSError as e:  # no file system takes this name
        raise SettingsError(f"cannot be written: {e.strerror}", path=output, hint="Name another file with -o") from e
    if is_taken:
        raise SettingsError("is the input, or in it: it would be overwritten", path=output, hint="Name another file with -o")
    if not has_folder:
        raise UnwritableTimelineError(
            "cannot be written: its folder is not there", path=output, hint="Make the folder, or name another file with -o"
        )


def make_folder(folder: Path) -> None:
    """:raises CacheError"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise CacheError(f"cannot be made: {e.strerror}", path=folder, hint="Name another place with -o") from e


def write(
    session: Session,
    document: Document,
    output: Path,
    *,
    locator: Locator,
    allow_lossy: bool = False,
    project: Document | None = None,
    ahead: Preview | Overlay | None = None,
    stand_ins: Mapping[str, str] | None = None,
    lost: Callable[[], str] | None = None,
    others: tuple[Document, Document] | None = None,
) -> tuple[LeftAlone, ...]:
    """See ``files.write``. What somebody has edited in its place since is kept, and the user told of it.

    :param lost: what that has which we once wrote there, and ``document`` has not, for which it is kept; "": nothing
    :returns: what should be in a bundle and is not.
    """
    limits, why = timelines.limits(session.settings), ""

    def is_worth_keeping() -> bool:
        nonlocal why
        why = lost() if lost is not None else ""
        return bool(why)

    done = files.write(
        document,
        output,
        allow_lossy=allow_lossy,
        limits=limits,
        locator=locator,
        project=project,
        ahead=ahead,
        stand_ins=stand_ins,
        is_placed=lambda path: placing.is_placed(session, output.absolute().parent / path),
        is_worth_keeping=is_worth_keeping,
        others=others,
    )
    if done.kept is not None:
        _tell_kept(session, output, done.kept, why)
    if session.has_workspace:
        _note_player(session, [document, *([] if others is None else others[1:])], output, stand_ins or {})
    return tuple(LeftAlone(clip=p.clip, reason=p.reason) for p in done.left)


def _note_player(session: Session, documents: Sequence[Document], output: Path, stand_ins: Mapping[str, str]) -> None:
    """So that ``cache clear`` deletes nothing that it plays without a word. A bundle holds all that itself."""
    here = Locator(output).based(files.base_of(output))
    roots = [] if output.suffix.lower() in bundles.SUFFIXES else [document.root for document in documents]
    urls = {url for root in roots for url in (*shown(root), *regions_of(root))}
    played = [Path(path) for url in urls if (path := here.target(Reference("external", url)).path) is not None]
    played += [Path(instead) for path in played if (instead := stand_ins.get(str(path)))]
    played += map(Path, projects.preview_paths(output))
    try:
        Players(session.workspace.root).note(output, [path for path in played if path.is_file()])
    except CacheError as e:
        session.note(f"{e.path}: {e.message}")


def _tell_kept(session: Session, output: Path, kept: Path, lost: str) -> None:
    if lost and stamp.is_as_written(kept):
        session.note(f"{output} has no more {lost}: as it was before, it is kept as {kept}", is_urgent=True)
        return
    if not stamp.is_stamped(kept):
        session.note(f"{output} was there and was another: kept as {kept}", is_urgent=True)
        return
    ours = _OPTIMIZED.fullmatch(output.stem)
    edited = output.with_name(f"{ours['name'] if ours else output.stem}.edited{output.suffix}")
    session.note(
        f"{output} had been edited since: kept as {kept}. "
        f"To go on from the edits, rename that to {edited} and run: otio-perf optimize {edited} -o FILE",
        is_urgent=True,
    )
