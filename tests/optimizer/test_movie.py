"""What a movie is asked for is checked before any work, and the answer names the option."""

from __future__ import annotations

from pathlib import Path

import pytest

from otio_perf.errors import SettingsError
from otio_perf.optimizer import movie


@pytest.mark.parametrize(
    ("codec", "near"), [("prores", "prores_422"), ("h265", "hevc"), ("dnxhr", "dnxhr_"), ("hevcc", "hevc"), ("quill", None)]
)
def test_an_unknown_codec_names_the_option_and_what_may_be_meant(codec: str, near: str | None, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"--codec: '{codec}' is not one of h264, ") as caught:
        movie.asked(tmp_path / "cut.otio", tmp_path / "cut.mov", codec=codec, quality=80, size="canvas")
    assert (caught.value.hint or "").startswith(f"Did you mean {near}" if near else "")
    assert near is not None or caught.value.hint is None
