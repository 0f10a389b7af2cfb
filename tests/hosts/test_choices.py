"""What can be chosen is said in one place, and what is offered can be done."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from otio_perf import hosts
from otio_perf.cli.host import apply, install, place
from otio_perf.errors import SettingsError
from otio_perf.hosts import rooms
from otio_perf.hosts.home import Home

ROOMS = Path(hosts.__file__).parent


def choices(configure: object, name: str) -> list[str]:
    parser = argparse.ArgumentParser()
    assert callable(configure)
    configure(parser)
    (action,) = (action for action in parser._actions if action.dest == name)
    return list(action.choices or ())


def test_commands_offer_what_there_is() -> None:
    assert choices(install.configure, "host") == [*hosts.HOSTS] == [*rooms.ROOMS]
    assert choices(place.configure, "host") == [*hosts.PLACED]
    assert choices(apply.configure, "host") == [*hosts.APPLIED]
    assert choices(apply.configure, "what") == [*hosts.APPLIED["kdenlive"]]


def test_each_of_them_is_known_where_it_is_done(tmp_path: Path) -> None:
    nobody = Home(folder=tmp_path, variables={"PATH": ""}, platform="linux", root=tmp_path)
    (tmp_path / "shot.mp4").touch()
    for host in hosts.HOSTS:
        known = "is not found" if host in hosts.PLACED else "finds no proxies by their names"
        with pytest.raises(Exception, match=known):
            hosts.place(host, [tmp_path / "shot.mp4"], home=nobody, workspace=tmp_path / "workspace")
    for what in hosts.APPLIED["kdenlive"]:
        apply._require_used(argparse.Namespace(what=what))
    with pytest.raises(SettingsError, match="'nonsense' is not one of optimize, prerender, restore, proxies"):
        hosts.apply("kdenlive", "nonsense", home=nobody)
    with pytest.raises(SettingsError, match="cannot be told"):
        hosts.apply("shotcut", "optimize", home=nobody)


@pytest.mark.parametrize("suffix", ["kdenlive", "mlt"])
def test_suffixes_of_projects_have_one_home(suffix: str) -> None:
    spelled = [file.name for file in ROOMS.rglob("*.py") if f'".{suffix}"' in file.read_text(encoding="utf-8")]
    assert not spelled
