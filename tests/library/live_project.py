"""A project that may be open in a Kdenlive: its text, and what is done to it in tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from otio_perf import hosts
from otio_perf.hosts.home import Home
from otio_perf.model.events import Event, Stage, StageStarted
from otio_perf.model.hosts import HostReport

PROJECT = """<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" root="{folder}" version="7.12.0">
 <profile width="640" height="360" frame_rate_num="25" frame_rate_den="1" progressive="1" sample_aspect_num="1"
  sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9" colorspace="709"/>
 <producer id="a" in="0" out="19">
  <property name="length">20</property>
  <property name="resource">a.mp4</property>
  <property name="mlt_service">avformat-novalidate</property>
  <property name="kdenlive:id">4</property>
 </producer>
 <playlist id="p0"><entry in="0" out="19" producer="a"/></playlist>
 <playlist id="main_bin">
  <property name="kdenlive:docproperties.enableproxy">0</property>
  <property name="kdenlive:docproperties.kdenliveversion">22.12.3</property>
  <property name="kdenlive:docproperties.position">7</property>
  <property name="kdenlive:docproperties.version">1.04</property>
  <entry producer="a"/>
 </playlist>
 <tractor id="main" in="0" out="19"><track producer="p0"/></tractor>
</mlt>
"""


def home(address: str = "") -> Home:
    variables = {k: v for k, v in os.environ.items() if k not in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
    if address:
        variables["DBUS_SESSION_BUS_ADDRESS"] = address
    return Home(folder=Path(os.environ["HOME"]), variables=variables, platform="linux")


def restore(address: str = "", **how: Any) -> HostReport:
    return hosts.apply("kdenlive", "restore", home=home(address), **how)


def at(stage: Stage, act: Callable[[], object]) -> Callable[[Event], None]:
    """A listener that does something when a stage begins."""

    def listen(event: Event) -> None:
        if isinstance(event, StageStarted) and event.stage is stage:
            act()

    return listen


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
