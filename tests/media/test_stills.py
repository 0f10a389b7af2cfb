"""Pictures that were made here are known again, and nobody else's is replaced."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from otio_perf.errors import SettingsError
from otio_perf.media import stills


@pytest.mark.parametrize("suffix", sorted(stills.FORMATS))
def test_only_pictures_of_ours_are_replaced(tmp_path: Path, suffix: str) -> None:
    path, photo = tmp_path / f"x{suffix}", tmp_path / f"photo{suffix}"
    for level in (10, 200):  # the second takes the place of the first
        stills.write_still(path, np.full((16, 16, 3), level, np.uint8))
        with av.open(str(path)) as container:
            picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert abs(picture.astype(int) - level).max() <= 2
    _, mark = stills._MARKS[stills.FORMATS[suffix][0]]
    made = path.read_bytes()
    assert made.count(mark) == 1
    for content in (made.replace(mark, b""), b"notes", b"%PDF" + bytes(100)):
        photo.write_bytes(content)
        with pytest.raises(SettingsError, match="no picture that was made by otio-perf"):
            stills.write_still(photo, np.zeros((16, 16, 3), np.uint8))
        assert photo.read_bytes() == content
    photo.write_bytes(b"")  # as mktemp makes it
    stills.write_still(photo, np.full((16, 16, 3), 200, np.uint8))
    assert photo.read_bytes() == made
