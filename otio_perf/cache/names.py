"""File names that people recognise and every file system accepts."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from otio_perf.errors import CacheError
from otio_perf.model.recipes import ProxyRecipe
from otio_perf.model.timing import FrameRange

SUFFIX = ".mov"

#: Not allowed on Windows, read as a pattern by FFmpeg (``%``), or a nuisance in every shell (quotes, back-tick).
_UNSAFE = frozenset("<>:\"/\\|?*%'`")
#: Device names of Windows, with any suffix: ``CON.mov`` is the console.
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])$", re.IGNORECASE)
_STEM_BYTES = 150  # file systems allow 255 for a name; temporary names and suffixes add to it
_NAME_BYTES = 200
_BESIDE_HINT = "leave --beside away: proxies in the workspace have names of their own"

Taken = Callable[[Path], "str | None"]
"""The key of the product that a path belongs to: by the index, the plan, or (beside a source) what the file says of itself.
``None`` where it is free."""


def workspace_name(
    folder: Path, source_path: str, recipe: ProxyRecipe, *, key: str, source_range: FrameRange | None, taken: Taken
) -> Path:
    """``folder/A001_C002_1080p.mov``; with a range ``…_1080p_120-480.mov``, with more in it than the source shows
    ``…_1080p_look.mov``. Others' names get a piece of ``key``."""
    name = f"{safe_stem(source_path)}_{recipe.rung}{'' if recipe.is_plain else '_look'}"
    if source_range is not None:
        name += f"_{source_range.start}-{source_range.stop - 1}"
    return free_name(folder / f"{name}{SUFFIX}", key=key, taken=taken)


def free_name(path: Path, *, key: str, taken: Taken) -> Path:
    """``path``, or where that is another's, the same name with a piece of ``key``: equal in every run. :raises CacheError"""
    for tail in ("", *(f"_{_hex(key)[:length]}" for length in (6, 12, 32))):
        candidate = path.with_name(f"{path.stem}{tail}{path.suffix}")
        if taken(candidate) in (None, key):
            return candidate
    raise CacheError("every name for this proxy is taken", path=path, hint="run: otio-perf cache clear")


def beside_name(source_path: str, *, key: str, taken: Taken) -> Path:
    """``Proxy/<same base name>.mov`` next to the source: the place where Resolve looks for it.

    :raises CacheError: that file is there and is not (or not known to be) this proxy, or the name would be too long.
    """
    source = Path(source_path)
    path = source.parent / "Proxy" / (source.stem + SUFFIX)
    if len(os.fsencode(path.name)) > _NAME_BYTES:
        raise CacheError("the name is too long for a proxy beside it", path=source_path, hint=_BESIDE_HINT)
    require_free_beside(path, source_path, key=key, taken=taken)
    return path


def require_free_beside(path: Path, source_path: str, *, key: str, taken: Taken) -> None:
    """:raises CacheError: ``path``, beside ``source_path``, is there and is not (or not known to be) the proxy ``key``."""
    owner = taken(path)
    if owner == key:
        return
    if owner is not None:
        what = f"Proxy/{path.name} is the proxy of another file or size already"
        raise CacheError(what, path=source_path, hint=_BESIDE_HINT)
    if _exists_in_any_case(path):
        what = f"Proxy/{path.name} is there, but not on record as ours"
        raise CacheError(what, path=source_path, hint=f"move it away, or {_BESIDE_HINT}")


def safe_stem(source_path: str) -> str:
    """The file name of ``source_path`` without its last suffix, fit for every file system; never empty, at most 150 bytes."""
    stem = unicodedata.normalize("NFC", Path(source_path).stem)
    stem = "".join("_" if c in _UNSAFE or not c.isprintable() else c for c in stem)
    stem = stem.lstrip(" .-").rstrip(" .")
    while len(stem.encode()) > _STEM_BYTES:
        stem = stem[:-1]
    if _RESERVED.match(stem.partition(".")[0].rstrip()):
        stem = f"_{stem}"
    return stem or "clip"


def same_name(path: str | Path) -> str:
    """Equal for paths that a case-insensitive or normalising file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.fspath(path)).casefold())


def _hex(key: str) -> str:
    return hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _exists_in_any_case(path: Path) -> bool:
    try:
        wanted = same_name(path.name)
        return any(same_name(entry) == wanted for entry in os.listdir(path.parent))  # noqa: PTH208 (names, not paths)
    except OSError:
        return False
