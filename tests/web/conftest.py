"""A real server on a real service with a workspace of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from otio_perf import settings
from otio_perf.cache.workspace import Workspace
from otio_perf.client import Client
from otio_perf.metrics import system
from otio_perf.model import wire
from otio_perf.model.machine import DecodeCost, MachineProfile
from otio_perf.optimizer import this_machine
from otio_perf.service.service import Service
from otio_perf.web.door import Door
from otio_perf.web.server import Server

Start = Callable[..., "tuple[Service, Server]"]


@pytest.fixture(scope="module", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's: no settings, no tokens, no list of workspaces."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("OTIO_PERF_")]:
            patch.delenv(name)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        _measured()
        yield


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, _own_folders: None) -> Iterator[Start]:
    """Start a service and its server; both end with the tests of the file."""
    with ExitStack() as opened:

        def begin(door: Door | None = None) -> tuple[Service, Server]:
            root = tmp_path_factory.mktemp("edit") / ".otio_perf"
            Workspace.open(root)
            service = opened.enter_context(Service(settings.load({"workspace": root}), settings_file=root / "settings.yaml"))
            return service, opened.enter_context(Server(service, door))

        yield begin


@pytest.fixture(scope="module")
def served(start: Start) -> tuple[Service, Server]:
    return start()


@pytest.fixture(scope="module")
def service(served: tuple[Service, Server]) -> Service:
    return served[0]


@pytest.fixture(scope="module")
def server(served: tuple[Service, Server]) -> Server:
    return served[1]


@pytest.fixture
def client(service: Service, server: Server) -> Client:
    return Client.find(service.workspace)


def _measured() -> None:
    """This machine was measured already: that takes twenty seconds, and is measured elsewhere."""
    cost = DecodeCost(per_frame=0.5, per_megapixel=2.0, per_megabit=2.0)
    profile = MachineProfile(
        machine=this_machine.identity(),
        measured_at="2026-01-01T00:00:00+00:00",
        seconds_taken=1.0,
        cores=system.cores(),
        memory_bytes=system.memory_bytes(),
        decode={"h264": cost, "h264:intra": cost},
        encode_ms_per_megapixel={"h264": 10.0},
        scale_ms_per_megapixel=1.0,
        composite_ms_per_megapixel=4.0,
        effect_ms_per_megapixel=4.0,
        disk_read_bytes_per_second=5e8,
    )
    file = settings.user_cache_folder() / "machine.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(wire.dumps(profile), encoding="utf-8")
