"""What the package offers to Python."""

from __future__ import annotations

import otio_perf
from otio_perf import optimizer


def test_each_name_is_the_function_and_is_in_the_docstring() -> None:
    assert {"export", "frame"} <= set(otio_perf.__all__)
    for name in otio_perf.__all__:
        assert getattr(otio_perf, name) is getattr(optimizer, name)
        assert f"otio_perf.{name}(" in (otio_perf.__doc__ or "")
