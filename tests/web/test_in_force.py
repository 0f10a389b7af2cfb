"""What settings say of the machine is so at once, or refused."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from otio_perf.client import Client
from otio_perf.errors import SettingsError
from otio_perf.service.service import Service


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    """Made up: other programs do nothing, so that nothing has to yield to them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otio_perf.metrics.system.busy_seconds", lambda: 0.0)
        yield


def test_more_jobs_are_more_slots(client: Client) -> None:
    client.set_settings({"jobs": 7})
    deadline = time.monotonic() + 10
    while (slots := client.queue().background.slots) != 7 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert slots == 7


def test_a_workspace_is_not_changed_under_a_service(client: Client, service: Service) -> None:
    with pytest.raises(SettingsError, match="workspace"):
        client.set_settings({"workspace": "/somewhere/else", "handles": 3})
    assert {view.name: view.value for view in client.settings()}["handles"] == 12
    assert "somewhere" not in (service.workspace / "settings.yaml").read_text()
