"""The settings page writes into the user's file: what the user wrote there stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from otio_perf import settings
from otio_perf.errors import SettingsError
from otio_perf.service import settings_view

WRITTEN = """\
# my studio
proxy:            # two sizes
  - 720p
  - half

quality: 55  # looks fine to me
media_root:
- /rushes
# maps
map: ["Z:=/mnt/z"]
gpu: off
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [n for n in os.environ if n.startswith("OTIO_PERF_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "settings.yaml"
    path.write_text(WRITTEN.replace("gpu: off\n", 'gpu: "off"\n'), encoding="utf-8")
    return path


def test_what_is_changed_changes_and_everything_else_stays(file: Path) -> None:
    before = settings.load(file=file)
    after = settings_view.saved({"quality": 70, "proxy": ["1080p"], "codec": "hevc", "gpu": "on"}, before, file=file)
    assert (after.quality, after.proxy, after.codec, after.gpu) == (70, ("1080p",), "hevc", "on")
    assert after.media_root == before.media_root and after.map == before.map
    assert settings.load(file=file) == after
    text = file.read_text(encoding="utf-8")
    assert "# my studio" in text and "# looks fine to me" in text and "# maps" in text
    assert "half" not in text


def test_the_default_again_takes_the_line_out(file: Path) -> None:
    after = settings_view.saved({"quality": None, "media_root": None}, settings.load(file=file), file=file)
    assert after.quality == settings.BY_NAME["quality"].default and after.media_root == ()
    assert "quality" not in file.read_text() and "/rushes" not in file.read_text() and "# maps" in file.read_text()


@pytest.mark.parametrize(
    "values",
    [{"quality": 101}, {"no_such": 1}, {"codec": "mpeg1"}, {"preset": "gigantic"}, {"quality": 70, "proxy": ["enormous"]}],
)
def test_one_bad_value_and_nothing_is_written(file: Path, values: dict[str, object]) -> None:
    before = file.read_bytes()
    with pytest.raises(SettingsError):
        settings_view.saved(values, settings.load(file=file), file=file)
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == ["settings.yaml"]


def test_what_cannot_be_changed_line_by_line_is_left_alone(file: Path) -> None:
    file.write_text("{quality: 50, codec: hevc}\n")
    with pytest.raises(SettingsError, match="line by line"):
        settings_view.saved({"quality": 70}, settings.load(file=file), file=file)
    assert file.read_text() == "{quality: 50, codec: hevc}\n"


def test_the_environment_is_stronger_and_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTIO_PERF_QUALITY", "33")
    in_force = settings.load(file=file)
    by_name = {view.name: view for view in settings_view.views(in_force, file=file)}
    assert (by_name["quality"].value, by_name["quality"].origin) == (33, "environment")
    assert by_name["proxy"].origin == "file" and by_name["codec"].origin == "default"
    with pytest.raises(SettingsError, match="environment"):
        settings_view.saved({"quality": 70}, in_force, file=file)


def test_flags_stay_in_force_and_out_of_the_file(file: Path) -> None:
    in_force = settings.load({"codec": "hevc", "workspace": "/w"}, file=file)
    assert {v.name: v.origin for v in settings_view.views(in_force, file=file)}["codec"] == "flag"
    after = settings_view.saved({"quality": 70}, in_force, file=file)
    assert after.codec == "hevc" and after.workspace == in_force.workspace and after.quality == 70
    assert settings.load(file=file).codec == "h264"


@pytest.mark.parametrize("name", settings_view.PRESETS)
def test_presets_are_known_by_what_they_set(tmp_path: Path, name: str) -> None:
    file = tmp_path / "sub" / "settings.yaml"
    file.parent.mkdir()
    file.write_text("")
    after = settings_view.saved({"preset": name}, settings.load(file=file), file=file)
    preset = settings_view.views(after, file=file)[0]
    assert (preset.name, preset.value) == ("preset", name)
    for setting, value in settings_view.PRESETS[name].items():
        assert getattr(after, setting) == value


def test_a_first_setting_makes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(settings, "default_file", lambda: tmp_path / "otio_perf" / "settings.yaml")
    after = settings_view.saved({"media_root": ["/a b/#c", "/ä"]}, settings.load())
    assert [str(p) for p in after.media_root] == ["/a b/#c", "/ä"]
    assert settings.load().media_root == after.media_root


def test_folders_with_words_of_their_own_and_limits_come_back(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("idle_days: 30\n")
    wanted = {
        "watch": ["/rushes", '{"path": "/b", "proxy": ["half"], "beside": true}'],
        "cache_max_bytes": "5 GB",
        "idle_days": "none",
    }
    after = settings_view.saved(wanted, settings.load(file=file), file=file)
    assert after == settings.load(file=file)
    assert [str(r.path) for r in after.watch] == ["/rushes", "/b"] and after.watch[1].beside
    assert (after.cache_max_bytes, after.idle_days) == (5_000_000_000, None)
    shown = {v.name: v.value for v in settings_view.views(after, file=file)}
    assert settings_view.saved({"watch": shown["watch"]}, after, file=file) == after


def test_every_setting_has_a_place_and_a_help() -> None:
    views = settings_view.views(settings.load())
    assert {v.name for v in views} == {settings_view.PRESET, *settings.BY_NAME}
    assert all(v.help and v.section for v in views)
