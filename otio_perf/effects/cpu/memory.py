"""The memory of pictures that come and go."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Of glibc's ``malloc.h``: when free memory is given back, from what size on it comes from the system each time, and how many
#: heaps there are.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
#: The largest that it takes: just more than a 1080p picture of floats.
_MOST_BYTES = 32 << 20


@contextmanager
def kept() -> Iterator[None]:
    """What is freed in this block is kept for the next picture of the size, and given back at the end of it.

    glibc gives what is large back to the system at once, which clears it anew for whoever is next: a tenth of the processor's
    time where pictures are floats (174 ms a frame of ten effects, 156 without). Other C libraries are left alone.
    The setting is the process's, and stays.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(library, "mallopt") or not hasattr(library, "malloc_trim"):
        yield
        return
    assert library is not None
    for option, value in ((_MMAP_THRESHOLD, _MOST_BYTES), (_TRIM_THRESHOLD, (1 << 31) - 1), (_ARENA_MAX, 1)):
        library.mallopt(option, value)
    try:
        yield
    finally:
        library.malloc_trim(0)
