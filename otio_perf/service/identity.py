"""Names of what a service has to do with: the same each time, and no path."""

from __future__ import annotations

import hashlib
import os


def identity(path: str | os.PathLike[str]) -> str:
    """Of a timeline, a folder or a workspace: one, however it is reached."""
    return medium_id(os.path.realpath(path))


def medium_id(medium: str) -> str:
    """Of a medium, by ``Target.medium``."""
    return hashlib.blake2b(medium.encode(errors="surrogatepass"), digest_size=8).hexdigest()
