"""What is written never takes the place of a medium."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from otio_perf.errors import SettingsError
from otio_perf.model.uses import Target


def refuse_media(outputs: Sequence[str | os.PathLike[str]], targets: Iterable[Target]) -> None:
    """:raises SettingsError: an output is one of the media ``targets``, by any name, or a picture of one"""
    wanted = [(path, Path(os.path.realpath(path))) for path in map(os.path.abspath, outputs)]
    for target in targets if wanted else ():
        for path, real in wanted:
            if _is_medium(Path(path), target) or _is_medium(real, target):
                raise SettingsError("is a medium: it would be overwritten", path=path, hint="Name another file")


def is_input(output: Path, inputs: Iterable[Path]) -> bool:
    """Is ``output`` one of ``inputs``, a file in one (of a bundle that is a folder), or a bundle around one?"""
    real = Path(os.path.realpath(output))
    for path in inputs:
        other = Path(os.path.realpath(path))
        if _same(output, path) or (other.is_dir() and other in real.parents) or (real.is_dir() and real in other.parents):
            return True
    return False


def _is_medium(path: Path, target: Target) -> bool:
    sequence = target.sequence
    if sequence is None:
        return target.path is not None and _same(path, Path(target.path))
    if not (path.name.startswith(sequence.prefix) and path.name.endswith(sequence.suffix)):
        return False
    digits = path.name[len(sequence.prefix) : len(path.name) - len(sequence.suffix)]
    # also a number that is not there: the picture would become one of the sequence
    is_numbered = digits.isascii() and digits.isdigit() and Path(sequence.path_of(int(digits))).name == path.name
    return is_numbered and _same(path.parent, Path(sequence.directory))


def _same(one: Path, other: Path) -> bool:
    if one == other:  # also where it is offline: nothing is put in its place
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False
