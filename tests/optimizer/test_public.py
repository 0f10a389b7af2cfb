"""What the package offers to Python."""

from __future__ import annotations

import otio_perf
from otio_perf import optimizer


def test_each_name_is_the_function_and_is_in_the_docstring() -> None:
    assert {"export", "frame"} <= set(otio_perf.__all__)
    for name in set(otio_perf.__all__) - {"Service"}:
        assert getattr(otio_perf, name) is getattr(optimizer, name)
        assert f"otio_perf.{name}(" in (otio_perf.__doc__ or "")


def test_the_service_is_there_too() -> None:
    from otio_perf.service.service import Service

    assert otio_perf.Service is Service
    assert "``Service``" in (otio_perf.__doc__ or "")
