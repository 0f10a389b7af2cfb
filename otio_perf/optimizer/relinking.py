"""Writing timelines: with proxies, and back to the originals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from otio_perf.cache.index import Index
from otio_perf.cache.workspace import MARKER
from otio_perf.errors import CacheError, LossyTimelineError, SettingsError
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.events import Stage
from otio_perf.model.plans import Product
from otio_perf.model.results import LeftAlone, WrittenTimeline
from otio_perf.model.uses import Problem
from otio_perf.optimizer import timelines
from otio_perf.optimizer.session import Session
from otio_perf.optimizer.timelines import Surveyed
from otio_perf.timeline import files, relink, restore
from otio_perf.timeline.locate import is_relative
from otio_perf.timeline.tree import urls_of


def outputs(paths: Sequence[Path], output: str | Path | None) -> tuple[Path, ...]:
    """Where each optimized timeline goes: ``output``, a file in the folder ``output``, or beside its input.

    :raises SettingsError: an input would be overwritten, or one file is named for several timelines.
    :raises LossyTimelineError: the format cannot hold originals and proxies.
    """
    if output is None:
        found = [p.with_name(f"{p.stem}.perf.otio") for p in paths]
    elif len(paths) > 1 or (_is_folder(Path(output)) and Path(output).suffix.lower() not in files.KEEPS_REFERENCES):
        folder = Path(output)
        if folder.suffix.lower() in files.formats() or (folder.exists() and not folder.is_dir()):
            raise SettingsError("is a file, and there are several timelines", path=output, hint="Name a folder with -o")
        found = [folder / f"{p.stem}.perf.otio" for p in paths]
    else:
        found = [Path(output)]
    for path in found:
        refuse_overwriting(paths, path)
        if path.suffix.lower() not in files.KEEPS_REFERENCES:
            raise LossyTimelineError(
                f"{path.suffix or 'a name without suffix'} holds one media reference a clip: the originals would be lost",
                path=path,
                hint="Write .otio, and convert it with: otio-perf convert --allow-lossy",
            )
    if len({p.absolute() for p in found}) < len(found):
        raise SettingsError("two timelines of one name would be written to one file", hint="Optimize them one by one with -o")
    return tuple(found)


def _is_folder(path: Path) -> bool:
    """:raises SettingsError: no file system takes this name"""
    try:
        return path.is_dir()
    except OSError as e:
        raise SettingsError(f"cannot be written: {e.strerror}", path=path, hint="Name another file with -o") from e


def refuse_overwriting(inputs: Sequence[Path], output: Path) -> None:
    """:raises SettingsError: ``output`` is one of ``inputs``, also by another name"""
    if output.exists() and any(i.exists() and output.samefile(i) for i in inputs):
        raise SettingsError("is the input: it would be overwritten", path=output, hint="Name another file with -o")


def write_relinked(
    session: Session,
    surveyed: Surveyed,
    output: Path,
    *,
    products: Mapping[str, Sequence[Product]],
    findings: Mapping[str, MediaFinding],
    active: str | None,
    failed: Mapping[str, str],
) -> WrittenTimeline:
    """Write one timeline with ``products`` as further references; the input is only read."""
    media = {medium: finding.info for medium, finding in findings.items() if finding.info is not None}
    with session.stage(Stage.RELINK):
        document = timelines.read(session, surveyed.path, canonical=True)
        result = relink.relink(document, products, media, active=active, output_path=output, locator=surveyed.locator)
    with session.stage(Stage.WRITE):
        make_folder(output)
        files.write(result.document, output, limits=timelines.limits(session.settings))
    left = [*_clips_of(surveyed, failed), *(_left(p) for p in result.left_alone)]
    return WrittenTimeline(
        source=str(surveyed.path),
        path=str(output),
        changed_clips=result.relinked,
        left_alone=tuple(dict.fromkeys(left)),
        notices=document.notices,
    )


def write_restored(session: Session, path: Path, output: Path) -> WrittenTimeline:
    """Write ``path`` with its originals. :raises SettingsError: the output is the input"""
    refuse_overwriting([path], output)
    with _Records(session) as records, session.stage(Stage.RELINK):
        document = timelines.read(session, path)
        result = restore.restore(
            document,
            original_of=records.original_of,
            product_of=records.product_of,
            locator=timelines.locator(session.settings, path),
        )
        elsewhere = Path(result.document.base) != output.absolute().parent
        if elsewhere and any(is_relative(url) for url in urls_of(result.document.root)):
            # exactly what was there comes before paths that lead somewhere from the new folder
            session.note(f"relative media paths read as before: they start in {result.document.base}")
    with session.stage(Stage.WRITE):
        make_folder(output)
        files.write(result.document, output, limits=timelines.limits(session.settings))
    return WrittenTimeline(
        source=str(path),
        path=str(output),
        changed_clips=result.restored,
        left_alone=tuple(_left(p) for p in result.not_found),
        notices=document.notices,
    )


class _Records:
    """What is on record of a proxy: in this session's workspace, or in the one that its path lies in."""

    def __init__(self, session: Session) -> None:
        self._indices = {session.workspace.root: session.index}
        self._opened = ExitStack()

    def __enter__(self) -> _Records:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def original_of(self, proxy_path: str) -> str | None:
        return next((o for i in self._near(proxy_path) if (o := i.original_of(proxy_path)) is not None), None)

    def product_of(self, proxy_path: str) -> Product | None:
        keys = ((i, i.key_at(proxy_path)) for i in self._near(proxy_path))
        return next((p for i, key in keys if key is not None and (p := i.product(key)) is not None), None)

    def _near(self, proxy_path: str) -> tuple[Index, ...]:
        root = Path(proxy_path).parent.parent
        if root not in self._indices and (root / MARKER).is_file():
            with suppress(CacheError):  # not ours to open: what this session knows has to do
                self._indices[root] = self._opened.enter_context(Index.open(root))
        return tuple(self._indices.values())


def _clips_of(surveyed: Surveyed, failed: Mapping[str, str]) -> list[LeftAlone]:
    if not failed:
        return []
    found = []
    for use in surveyed.survey.uses:
        reason = failed.get(use.target.medium)
        if reason is not None:
            found.append(LeftAlone(clip=use.clip, reason=reason))
    return found


def _left(problem: Problem) -> LeftAlone:
    return LeftAlone(clip=problem.clip, reason=problem.reason)


def make_folder(output: Path) -> None:
    try:
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise CacheError(f"cannot be made: {e.strerror}", path=output.parent, hint="Name another place with -o") from e
