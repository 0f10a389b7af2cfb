"""One table of settings: file < environment < flags, and a clear line for what cannot be used."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from otio_perf import settings
from otio_perf.errors import SettingsError
from otio_perf.model.recipes import Codec, Scope

#: Six lines that unfold to a million values.
BOMB = "\n".join(
    [
        "a: &a [1,1,1,1,1,1,1,1,1,1]",
        "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]",
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]",
        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]",
        "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]",
        "proxy: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]",
    ]
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def test_defaults_need_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings.load(environment={}).quality == 60


def test_flags_beat_the_environment_which_beats_the_file(file: Path) -> None:
    file.write_text("quality: 10\nhandles: 10\ncodec: hevc\n")
    environment = {"OTIO_PERF_QUALITY": "20", "OTIO_PERF_HANDLES": "20"}
    found = settings.load({"quality": 30, "handles": None}, environment=environment, file=file)
    assert (found.quality, found.handles, found.codec) == (30, 20, "hevc")


def test_lists_from_every_side(file: Path, tmp_path: Path) -> None:
    file.write_text(f"proxy: [720p, 1080p]\nmedia_root: {tmp_path}\nmap:\n  - D:\\rushes=/mnt/rushes\n")
    found = settings.load(environment={}, file=file)
    assert found.proxy == ("720p", "1080p")
    assert found.media_root == (tmp_path,)
    assert found.map == (("D:\\rushes", "/mnt/rushes"),)
    several = os.pathsep.join(["half", "720p"])
    assert settings.load(environment={"OTIO_PERF_PROXY": several}, file=file).proxy == ("half", "720p")


def test_recipes_are_one_a_rung() -> None:
    found = settings.load({"proxy": ["720p", "720p", "half"], "codec": "dnxhr-lb", "scope": "used"}, environment={})
    assert [r.rung for r in found.recipes()] == ["720p", "half"]
    assert {r.codec for r in found.recipes()} == {Codec.DNXHR_LB}
    assert {r.scope for r in found.recipes()} == {Scope.USED}


@pytest.mark.parametrize(
    ("text", "rate"), [("23.976", Fraction(24000, 1001)), ("25", Fraction(25)), ("30000/1001", Fraction(30000, 1001))]
)
def test_rates_are_exact(text: str, rate: Fraction) -> None:
    assert settings.load({"rate": text}, environment={}).rate == rate


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quality", "101"),
        ("quality", "high"),
        ("quality", [1]),
        ("proxy", "9001"),
        ("codec", "divx"),
        ("scope", "some"),
        ("handles", "-1"),
        ("rate", "0"),
        ("rate", "1/0"),
        ("rate", "nan"),
        ("map", "no equals sign"),
        ("jobs", "1000"),
        ("purpose", "fun"),
    ],
)
def test_unusable_values_name_the_setting(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match="--" + name):
        settings.load({name: value}, environment={})
    with pytest.raises(SettingsError, match="OTIO_PERF_"):
        settings.load(environment={settings.BY_NAME[name].variable: str(value)})


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "quality: {a: b}",
        "unknown: 1",
        "quality: [1, 2",
        "!!python/object/apply:os.system [touch /tmp/otio_perf_pwned]",
        "1: 2",
        BOMB,
        "x: " + "[" * 3000,
        "quality: 1\x00",
    ],
)
def test_hostile_files_are_refused_with_their_name(text: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        settings.load(environment={}, file=file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_was_asked_for_must_be_there(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"settings\.yaml"):
        settings.load(environment={}, file=file)


def test_every_row_has_words_for_the_help() -> None:
    for row in settings.TABLE:
        assert row.help
        assert row.metavar
        assert row.name in settings.Settings.__dataclass_fields__
    assert len(settings.TABLE) == len(settings.Settings.__dataclass_fields__)


WATCHED = """\
watch:
  - /rushes/a
  - path: /rushes/b
    proxy: 720p
    codec: dnxhr-lb
    include: ["*.mov", "A*/*"]
    recursive: false
"""


def test_watched_folders_have_proxies_of_their_own(file: Path) -> None:
    file.write_text(WATCHED + "quality: 40\nscope: used\nproxy: 540p\n")
    found = settings.load(environment={}, file=file)
    plain, own = found.watch
    assert [r.rung for r in found.of_rushes(plain).recipes()] == ["540p"]
    (recipe,) = found.of_rushes(own).recipes()
    assert (recipe.rung, recipe.codec, recipe.quality, recipe.scope) == ("720p", Codec.DNXHR_LB, 40, Scope.FULL)
    assert (own.include, own.recursive, own.beside) == (("*.mov", "A*/*"), False, False)


def test_watched_folders_are_said_in_one_line_and_read_back(file: Path) -> None:
    file.write_text(WATCHED)
    found = settings.load(environment={}, file=file)
    again = settings.load({"watch": [str(rushes) for rushes in found.watch]}, environment={})
    assert again.watch == found.watch


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("watch: [{proxy: 720p}]", "watch: row 1: names no path"),
        ("watch:\n - /a\n - {path: /b, proxi: 1}", "watch: row 2: unknown word 'proxi'"),
        ("watch: [/a, {path: /b, quality: 200}]", "watch: row 2: quality: 200 is not between 0 and 100"),
        ("watch: [{path: /a, proxy: [540p, 720p], beside: true}]", "beside takes one proxy size"),
        ("watch: [{path: /a, recursive: sometimes}]", "recursive: 'sometimes' is not true or false"),
        ("watch: ['{\"path\"']", "not readable as JSON"),
        ("cache_max_bytes: lots", "cache_max_bytes: 'lots' is not a size"),
        ("idle_days: 0", "idle_days: 0 is not between"),
    ],
)
def test_what_is_wrong_with_a_watched_folder_or_a_limit_is_told_with_file_and_row(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        settings.load(environment={}, file=file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500 GB", 500_000_000_000), ("1.5TiB", 3 << 39), ("64k", 64_000), ("2048", 2048), ("none", None)],
)
def test_sizes_are_said_in_words(text: str, expected: int | None) -> None:
    assert settings.load({"cache_max_bytes": text}, environment={}).cache_max_bytes == expected


def test_settings_files_of_the_readme_can_be_read(file: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert examples
    for text in examples:
        file.write_text(text)
        settings.load(environment={}, file=file)
