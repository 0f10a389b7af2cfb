"""What OpenTimelineIO loads of us, through OpenTimelineIO's own doors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from otio_perf import plugins
from otio_perf.cache.index import Index
from otio_perf.cache.known import remember
from otio_perf.media.fingerprint import fingerprint
from otio_perf.model.plans import Product
from otio_perf.model.recipes import ProxyRecipe, Scope
from otio_perf.model.timing import FrameRange

ROOT = Path(plugins.__file__).parent.parent.parent
MANIFEST = ROOT / "plugin_manifest.json"
KEY = "otio_perf:1080p"
Edit = Callable[..., otio.schema.Timeline]
Save = Callable[..., Path]

CONVERT = "from opentimelineio.console.otioconvert import main; main()"


def made(source: Path, path: Path, *, rung: str = "1080p", width: int = 1920) -> Product:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"proxy bytes of " + rung.encode())
    return Product(
        key=f"{source.name}-{rung}",
        source_path=str(source),
        source_fingerprint="f",
        recipe=ProxyRecipe(rung=rung, scope=Scope.FULL),
        path=str(path),
        source_range=FrameRange(0, 1000, Fraction(24)),
        width=width,
        height=width * 9 // 16,
        size_bytes=path.stat().st_size,
        digest="d",
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with two proxies of ``a.mov`` and none of ``b.mov``."""
    root = tmp_path / ".otio_perf"
    source = tmp_path / "a.mov"
    source.write_bytes(b"source")
    with Index.open(root) as index:
        index.products.put(made(source, root / "proxies" / "a_1080p.mov"))
        index.products.put(made(source, root / "proxies" / "a_720p.mov", rung="720p", width=1280))
    return root


def otioconvert(*arguments: object, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CONVERT, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OTIO_PLUGIN_MANIFEST_PATH": str(MANIFEST), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def references(path: Path) -> list[tuple[list[str], str]]:
    item = otio.core.deserialize_json_from_string(path.read_text(encoding="utf-8"))
    return [(sorted(c.media_references()), c.active_media_reference_key) for c in item.find_clips()]


def test_both_manifests_are_one() -> None:
    assert MANIFEST.read_bytes() == (ROOT / "otio_perf" / "plugins" / "plugin_manifest.json").read_bytes()
    listed = json.loads(MANIFEST.read_text())
    for plugin in (*listed["media_linkers"], *listed["hook_scripts"]):
        assert (ROOT / plugin["filepath"]).is_file()


def test_the_entry_point_gives_a_manifest_that_works_anywhere() -> None:
    manifest = plugins.plugin_manifest()
    for plugin in (*manifest.media_linkers, *manifest.hook_scripts):
        assert Path(plugin.filepath).is_absolute()
        assert Path(plugin.filepath).is_file()
    assert list(manifest.hooks["pre_adapter_write"]) == ["otio_perf"]


def test_the_linker_adds_proxies(edit: Edit, save: Save, workspace: Path, tmp_path: Path) -> None:
    path = save(edit([("a.mov", 0, 10), ("b.mov", 0, 10)]))
    done = otioconvert("-i", path, "-o", "out.otio", "--media-linker", "otio_perf", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert references(tmp_path / "out.otio") == [
        (["DEFAULT_MEDIA", KEY, "otio_perf:720p"], KEY),  # the largest is active
        (["DEFAULT_MEDIA"], "DEFAULT_MEDIA"),
    ]
    again = otioconvert("-i", "out.otio", "-o", "again.otio", "--media-linker", "otio_perf", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.otio").read_text() == (tmp_path / "out.otio").read_text()


def test_the_linker_plays_one_size(edit: Edit, save: Save, workspace: Path, tmp_path: Path) -> None:
    """It sees one clip at a time: it takes the size that most media have, where a clip has it."""
    with Index.open(workspace) as index:
        for name, rung, width in (("b", "720p", 1280), ("c", "720p", 1280), ("d", "1080p", 1920)):
            (tmp_path / f"{name}.mov").write_bytes(name.encode())
            index.products.put(made(tmp_path / f"{name}.mov", workspace / "proxies" / f"{name}.mov", rung=rung, width=width))
    path = save(edit([(f"{name}.mov", 0, 10) for name in "abcd"]))
    done = otioconvert("-i", path, "-o", "out.otio", "--media-linker", "otio_perf", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [active for _, active in references(tmp_path / "out.otio")] == ["otio_perf:720p"] * 3 + [KEY]


def test_the_linker_knows_the_workspaces_that_were_used_before(edit: Edit, save: Save, tmp_path: Path) -> None:
    """The same medium lies in another project's folder too, and has its proxy there."""
    source, other = tmp_path / "a.mov", tmp_path / "other" / ".otio_perf"
    source.write_bytes(b"source")
    with Index.open(other) as index:
        proxy = made(tmp_path / "other" / "a.mov", other / "proxies" / "a_1080p.mov")
        index.products.put(replace(proxy, source_fingerprint=fingerprint(str(source))))
    remember(tmp_path / "cache" / "otio_perf" / "workspaces.json", other)
    path = save(edit([("a.mov", 0, 10)]))
    for words, active in (((), KEY), (("-M", f"workspace={tmp_path / 'mine'}"), "DEFAULT_MEDIA")):
        common = ("-i", path, "-o", "out.otio", "--media-linker", "otio_perf", *words)
        done = otioconvert(*common, folder=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
        assert done.returncode == 0, done.stderr
        assert references(tmp_path / "out.otio")[0][1] == active


def test_the_linkers_arguments(edit: Edit, save: Save, workspace: Path, tmp_path: Path) -> None:
    path = save(edit([("a.mov", 0, 10)]))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    common = ("-i", path, "--media-linker", "otio_perf", "-M", f"workspace={workspace}", "-M", f"base={tmp_path}")
    for rung, active in (("720p", "otio_perf:720p"), ("original", "DEFAULT_MEDIA"), ("half", "DEFAULT_MEDIA")):
        done = otioconvert(*common, "-M", f"rung={rung}", "-o", f"{rung}.otio", folder=elsewhere)
        assert done.returncode == 0, done.stderr
        assert references(elsewhere / f"{rung}.otio")[0][1] == active


def test_the_hook_links_only_when_asked(edit: Edit, save: Save, workspace: Path, tmp_path: Path) -> None:
    path = save(edit([("a.mov", 0, 10)]))
    plain = otioconvert("-i", path, "-o", "plain.otio", folder=tmp_path)
    assert plain.returncode == 0, plain.stderr
    assert (tmp_path / "plain.otio").read_text() == path.read_text()
    asked = otioconvert("-i", path, "-o", "asked.otio", "-H", "otio_perf_rung=1080p", folder=tmp_path)
    assert asked.returncode == 0, asked.stderr
    assert references(tmp_path / "asked.otio") == [(["DEFAULT_MEDIA", KEY, "otio_perf:720p"], KEY)]
    # found twice, it runs twice, and the second time changes nothing
    second = tmp_path / "second_manifest.json"
    text = json.loads(MANIFEST.read_text())
    for plugin in (*text["media_linkers"], *text["hook_scripts"]):
        plugin["filepath"] = str(ROOT / plugin["filepath"])
    second.write_text(json.dumps(text))
    both = os.pathsep.join([str(MANIFEST), str(second)])
    twice = otioconvert(
        "-i", path, "-o", "twice.otio", "-H", "otio_perf_rung=1080p", folder=tmp_path, OTIO_PLUGIN_MANIFEST_PATH=both
    )
    assert twice.returncode == 0, twice.stderr
    assert (tmp_path / "twice.otio").read_text() == (tmp_path / "asked.otio").read_text()
    back = otioconvert("-i", "asked.otio", "-o", "back.otio", "-H", "otio_perf_rung=original", folder=tmp_path)
    assert back.returncode == 0, back.stderr
    assert references(tmp_path / "back.otio")[0][1] == "DEFAULT_MEDIA"


@pytest.mark.parametrize("trouble", ["corrupt index", "no workspace", "strange arguments", "broken settings"])
def test_another_programs_work_never_fails_because_of_us(
    edit: Edit, save: Save, workspace: Path, tmp_path: Path, trouble: str
) -> None:
    path = save(edit([("a.mov", 0, 10), ("a.mov", 20, 10), ("a.mov", 40, 10)]))
    arguments: list[object] = []
    environment = {}
    if trouble == "corrupt index":
        (workspace / "workspace.json").write_text('{"schema_version": 999, "id": "x"}')
    elif trouble == "no workspace":
        arguments = ["-M", f"workspace={tmp_path / 'none'}", "-H", f"otio_perf_workspace={tmp_path / 'none'}"]
    elif trouble == "strange arguments":
        arguments = ["-M", "rung=[1,2]", "-M", "workspace=3", "-H", "otio_perf_workspace={}"]
    else:
        environment = {"OTIO_PERF_QUALITY": "nonsense"}
    asked = ["-i", path, "-o", "out.otio", "--media-linker", "otio_perf", "-H", "otio_perf_rung=7"]
    done = otioconvert(*asked, *arguments, folder=tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    for found in references(tmp_path / "out.otio"):
        assert found[1] == "DEFAULT_MEDIA" or KEY in found[0]
    told = [line for line in done.stderr.splitlines() if not line.startswith("timeline left")]  # that is the hook
    assert len(told) <= 1, "one warning, not one a clip"
    if trouble == "corrupt index":
        assert len(told) == 1, done.stderr
    assert not (tmp_path / "none").exists()


def test_loading_the_manifest_is_cheap() -> None:
    script = (
        "import sys, opentimelineio as otio; otio.plugins.ActiveManifest();"
        "print([m for m in ('av', 'numpy', 'taichi', 'sqlite3', 'otio_perf.timeline.files') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OTIO_PLUGIN_MANIFEST_PATH": str(MANIFEST)}
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert answer.stdout.strip() == "[]"


@pytest.mark.timeout(900)
def test_an_installed_wheel_is_found_by_otioconvert(edit: Edit, save: Save, workspace: Path, tmp_path: Path) -> None:
    """The real thing: build a wheel, install it in a new environment, and let OTIO find the entry point by itself.

    What the wheel needs comes from the environment of the tests; the wheel itself does not.
    """
    sources = tmp_path / "sources"
    shutil.copytree(ROOT / "otio_perf", sources / "otio_perf", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, sources / name)
    if not (sources / "README.md").exists():
        (sources / "README.md").write_text("read me")
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(sources)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (site / "tests_environment.pth").write_text(sysconfig.get_path("purelib") + "\n")
    path = save(edit([("a.mov", 0, 10)]))
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "OTIO_PLUGIN_MANIFEST_PATH")}
    run = [str(scripts / "python"), "-P", "-c", CONVERT, "-i", str(path), "-o", "out.otio", "--media-linker", "otio_perf"]
    done = subprocess.run(run, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert references(tmp_path / "out.otio") == [(["DEFAULT_MEDIA", KEY, "otio_perf:720p"], KEY)]
    where = [str(scripts / "python"), "-P", "-c", "import otio_perf; print(otio_perf.__file__)"]
    answer = subprocess.run(where, cwd=tmp_path, env=clean, capture_output=True, text=True, check=True)
    assert Path(answer.stdout.strip()).is_relative_to(site)
