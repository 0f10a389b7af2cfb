"""What a timeline has already is not lost by another run, nor by another container."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def optimized(optimized_film: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(optimized_film, tmp_path / "film")) / "short_film.perf.otio"


def keys(path: Path) -> list[tuple[set[str], str]]:
    timeline = otio.adapters.read_from_file(str(path))  # held: without it, clips have no parents
    clips = [c for c in timeline.find_clips() if c.parent().kind == "Video"]
    return [(set(c.media_references()), c.active_media_reference_key) for c in clips]


def test_another_size_is_added_to_those_that_are_there(optimized: Path, otio_perf: Command) -> None:
    before = keys(optimized)
    out = optimized.with_name("two.otio")
    done = otio_perf("optimize", optimized, "-o", out, "--proxy", "160x90", "--all")
    assert done.returncode == 0, done.stderr
    for (was, _), (now, active) in zip(before, keys(out), strict=True):
        assert now == (was | {"otio_perf:160x90"} if len(was) > 1 else was)
        assert active == ("otio_perf:160x90" if len(was) > 1 else "DEFAULT_MEDIA")
    shutil.rmtree(optimized.parent / ".otio_perf" / "analysis")
    one = optimized.with_name("one.otio")
    done = otio_perf("convert", "-i", optimized, "-o", one, "--use-proxies", "160x90")
    assert done.returncode == 0, done.stderr
    assert keys(one) == keys(out)


def test_proxies_stay_where_originals_are_not_here_and_go_where_they_have_changed(optimized: Path, otio_perf: Command) -> None:
    film = optimized.parent
    before = keys(optimized)
    (film / "media").rename(film / "shelf")
    out = film / "away.otio"
    done = otio_perf("optimize", optimized, "-o", out, "--proxy", "160x90", "--all")
    assert done.returncode == 4, done.stderr
    assert keys(out) == before
    (film / "shelf").rename(film / "media")
    (film / "media" / "A001_C001.mp4").write_bytes(b"no film any more" * 1000)
    done = otio_perf("optimize", optimized, "-o", out, "--proxy", "160x90", "--all")
    assert done.returncode == 4, done.stderr
    timeline = otio.adapters.read_from_file(str(out))
    for clip in timeline.find_clips():
        references = clip.media_references()
        if getattr(references["DEFAULT_MEDIA"], "target_url", "").endswith("A001_C001.mp4"):
            assert list(references) == ["DEFAULT_MEDIA"]
        elif clip.active_media_reference_key != "DEFAULT_MEDIA":
            assert set(references) == {"DEFAULT_MEDIA", "otio_perf:120p", "otio_perf:160x90"}


def test_a_bundle_travels_with_proxies_and_originals(optimized: Path, otio_perf: Command, tmp_path: Path) -> None:
    film = optimized.parent
    bundle = tmp_path / "film.otioz"
    done = otio_perf("convert", "-i", optimized, "-o", bundle)
    assert done.returncode == 0, done.stderr
    assert keys(bundle) == keys(optimized)
    shutil.rmtree(film)
    done = otio_perf(
        "convert", "-i", bundle, "-o", tmp_path / "checked.otio", "--check-contract", "--workspace", tmp_path / "w"
    )
    assert done.returncode == 0, done.stdout
    assert keys(tmp_path / "checked.otio") == keys(bundle)
    done = otio_perf("restore", bundle, "-o", tmp_path / "back.otio", "--workspace", tmp_path / "w")
    assert done.returncode == 0, done.stdout
    for clip in otio.adapters.read_from_file(str(tmp_path / "back.otio")).find_clips():
        assert list(clip.media_references()) == ["DEFAULT_MEDIA"]
        url = getattr(clip.media_reference, "target_url", None)
        assert url is None or (tmp_path / url).is_file(), url


def test_an_output_that_cannot_be_is_a_mistake_of_the_command_line(film: Path, otio_perf: Command) -> None:
    (film / "dangling.otio").symlink_to(film / "nothing.otio")
    before = sorted(film.rglob("*"))
    for words in (
        ("optimize", film / "short_film.otio", "--proxy", "120p", "-o"),
        ("restore", film / "short_film.otio", "-o"),
        ("convert", "-i", film / "short_film.otio", "-o"),
    ):
        for name in ("out.foo", "out", "dangling.otio"):
            done = otio_perf(*words, film / name)
            assert done.returncode == 2, (words, name, done.stderr)
            assert len(done.stderr.splitlines()) == 1
            assert name in done.stderr
    done = otio_perf("optimize", film / "short_film.otio", "-o", film / "out.edl")
    assert done.returncode == 2
    assert sorted(film.rglob("*")) == before


def test_pages_and_answers_are_written_through_links(film: Path, otio_perf: Command) -> None:
    (film / "real.html").write_text("my notes")
    done = otio_perf("analyze", film / "short_film.otio", "--html", film / "real.html")
    assert done.returncode == 2
    assert "is no page that was made by otio-perf" in done.stderr
    assert (film / "real.html").read_text() == "my notes"
    (film / "real.html").unlink()
    assert otio_perf("analyze", film / "short_film.otio", "--html", film / "real.html").returncode == 0
    (film / "page.html").symlink_to("real.html")
    (film / "loop.json").symlink_to("loop.json")
    done = otio_perf(
        *("optimize", film / "short_film.otio", film / "documentary.otio", "--dry-run", "--html", film / "page.html"),
    )
    assert done.returncode == 0, done.stderr
    assert (film / "page.html").is_symlink()
    assert (film / "real.html").read_text(encoding="utf-8").count("<h1>") == 2
    done = otio_perf("analyze", film / "short_film.otio", "--json", film / "loop.json", "--quiet")
    assert done.returncode == 5
    assert "leads nowhere" in done.stderr
