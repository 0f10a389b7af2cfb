"""A small film on a machine that is said to be slow, a service that follows it, and Chromium that looks at it."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime, TimeRange

from otio_perf.client import Client
from otio_perf.errors import NoServiceError
from otio_perf.model import wire
from otio_perf.model.machine import DecodeCost, MachineProfile
from otio_perf.optimizer import this_machine
from otio_perf.service import lock

ROOT = Path(__file__).parent.parent.parent
RATE, WIDTH, HEIGHT, FRAMES = 24, 640, 360, 56
START = 3600 * RATE
#: Media: name, codec, hue of the scene.
MEDIA = (
    ("A001_C001", "libx264", 0.0),
    ("A001_C002", "libx264", 0.9),
    ("A002_C004", "libx265", 2.1),
    ("B001_C002", "libx264", 3.6),
)
#: What a file may be called all the same.
HOSTILE = "<img src=x onerror=alert(1)>"

#: Of a machine to which these small pictures are heavy: what is smooth and what is not is the same wherever this runs.
MACHINE = MachineProfile(
    machine="",
    measured_at="2026-01-01T00:00:00+00:00",
    seconds_taken=1.0,
    cores=2,
    memory_bytes=8 << 30,
    decode={
        "h264": DecodeCost(per_frame=8.0, per_megapixel=60.0, per_megabit=0.0),
        "h264:intra": DecodeCost(per_frame=1.0, per_megapixel=20.0, per_megabit=0.0),
        "hevc": DecodeCost(per_frame=20.0, per_megapixel=230.0, per_megabit=0.0),
    },
    encode_ms_per_megapixel={"h264": 40.0},
    scale_ms_per_megapixel=8.0,
    composite_ms_per_megapixel=20.0,
    effect_ms_per_megapixel=400.0,
    disk_read_bytes_per_second=2e8,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="write the pictures of the dashboard into docs/dashboard")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_asked_for = config.getoption("--screenshots", default=False)
    return True if collection_path.name == "test_screenshots.py" and not is_asked_for else None


# -- the film ----------------------------------------------------------------------------------------------------------


def shoot(path: Path, codec: str, hue: float) -> None:
    """Hills before a sky, from a panning camera, with a silent sound track."""
    y, x = np.mgrid[0:HEIGHT, 0 : WIDTH + 2 * FRAMES] / np.float32(HEIGHT)
    scene = 0.75 - 0.5 * y[..., None] * np.array([0.5 + 0.5 * math.cos(hue), 0.6, 0.5 + 0.5 * math.sin(hue)], np.float32)
    for i in range(3):
        ridge = 0.45 + 0.15 * i + 0.08 * np.sin(4 * x + hue * 3 + i) + 0.03 * np.sin(17 * x + i)
        tint = np.array([0.25 + 0.2 * math.sin(hue + i), 0.3 + 0.15 * math.cos(hue), 0.35], np.float32) * (1 - 0.25 * i)
        scene = np.where((y > ridge)[..., None], tint, scene)
    samples = (np.clip(scene, 0, 1) * 255).astype(np.uint8)
    with av.open(str(path), "w") as out:
        picture = out.add_stream(codec, rate=RATE, options={"preset": "ultrafast", "x265-params": "log-level=error"})
        sound = out.add_stream("aac", rate=48_000, layout="stereo")
        assert isinstance(picture, av.VideoStream) and isinstance(sound, av.AudioStream)
        picture.width, picture.height, picture.pix_fmt, picture.codec_context.gop_size = WIDTH, HEIGHT, "yuv420p", 48
        for n in range(FRAMES):
            seen = np.ascontiguousarray(samples[:, 2 * n : 2 * n + WIDTH])
            out.mux(picture.encode(av.VideoFrame.from_ndarray(seen, format="rgb24")))
            heard = av.AudioFrame.from_ndarray(np.zeros((2, 48_000 // RATE), np.float32), format="fltp", layout="stereo")
            heard.sample_rate = 48_000
            out.mux(sound.encode(heard))
        out.mux(picture.encode(None))
        out.mux(sound.encode(None))


def clip(name: str, medium: Path, first: int, frames: int, *effects: otio.schema.Effect) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(medium.as_uri(), TimeRange(RationalTime(0, RATE), RationalTime(FRAMES, RATE)))
    source = TimeRange(RationalTime(first, RATE), RationalTime(frames, RATE))
    return otio.schema.Clip(name, reference, source, effects=list(effects))


def cut(folder: Path) -> Path:
    """About a minute: scenes out of four media, overlays, titles, sound."""
    media = [folder / "media" / f"{name}.mp4" for name, _, _ in MEDIA]
    blur = otio.schema.Effect(effect_name="gaussian_blur", metadata={"otio_perf": {"sigma": 6.0}})
    unknown = otio.schema.Effect(effect_name="Film Emulation 3000")
    main, above = otio.schema.Track("Main", kind="Video"), otio.schema.Track("B roll", kind="Video")
    voice = otio.schema.Track("Voice", kind="Audio")
    scenes = ["harbour wide", "gulls", "Anna waits", "the boat", "rope", "Anna turns", "engine", "leaving"]
    for n in range(36):
        name, medium = scenes[n % len(scenes)], media[(n * 5 // 3) % 4]
        frames, first = (20, 28, 44, 34, 52)[n % 5], (n * 3) % 8
        if n in (9, 22):
            half = RationalTime(4, RATE)
            main.append(otio.schema.Transition("Cross Dissolve", otio.schema.TransitionTypes.SMPTE_Dissolve, half, half))
        effects = [blur] if n in (7, 17) else [unknown] if n == 28 else []
        source = folder / "media" / "lost.mp4" if n == 31 else medium
        main.append(clip(f"{name} {n // 8 + 1}", source, 4 + first, min(frames, 50 - first), *effects))
        length = main[-1].source_range.duration
        voice.append(clip(f"{name} {n // 8 + 1}", media[n % 4], 4 + first, int(length.value)))
        over = n % 4 == 2 and n != 30
        above.append(clip(f"insert {n}", media[n % 2], 2, int(length.value)) if over else otio.schema.Gap(duration=length))
    timeline = otio.schema.Timeline("harbour cut 07", global_start_time=RationalTime(START, RATE))
    timeline.tracks.extend([main, above, voice])
    path = folder / "harbour_cut_07.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``harbour_cut_07.otio``, ``media/`` beside it, and a timeline over a medium, both of a hostile name."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "media").mkdir()
    for name, codec, hue in MEDIA:
        shoot(folder / "media" / f"{name}.mp4", codec, hue)
    hostile = folder / "media" / f"{HOSTILE}.mp4"
    shoot(hostile, "libx264", 4.4)
    timeline = otio.schema.Timeline(HOSTILE)
    timeline.tracks.append(otio.schema.Track(HOSTILE, kind="Video", children=[clip(HOSTILE, hostile, 0, 48)]))
    otio.adapters.write_to_file(timeline, str(folder / f"{HOSTILE}.otio"))
    cut(folder)
    return folder


# -- the service -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Served:
    """``otio-perf serve`` in a process of its own."""

    process: subprocess.Popen[str]
    client: Client
    folder: Path
    settings_file: Path


@pytest.fixture(scope="session")
def serve(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Start ``otio-perf serve`` on a copy of the film, with a home of its own; all end with the tests."""
    started: list[subprocess.Popen[str]] = []

    def begin(prerender: str = "none") -> Served:
        home = tmp_path_factory.mktemp("home")
        folder = Path(shutil.copytree(film, home / "film"))
        for timeline in folder.glob("*.otio"):
            text = timeline.read_text(encoding="utf-8")
            timeline.write_text(text.replace(film.as_uri(), folder.as_uri()), encoding="utf-8")
        (home / "cache" / "otio_perf").mkdir(parents=True)
        machine = wire.dumps(replace(MACHINE, machine=this_machine.identity()))
        (home / "cache" / "otio_perf" / "machine.json").write_text(machine, encoding="utf-8")
        settings_file = home / "settings.yaml"
        own = f"# ours\nproxy: [180p]\nbackground_priority: high\nprerender: {prerender}\n"
        settings_file.write_text(own, encoding="utf-8")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTIO_PERF_", "XDG_"))}
        places = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}
        options = ("harbour_cut_07.otio", "--settings", str(settings_file), "--quiet")
        environment = {**kept, **places, "PYTHONPATH": str(ROOT)}
        program = [sys.executable, "-m", "otio_perf", "serve", *options]
        process = subprocess.Popen(program, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return Served(process, eventually(lambda: found(process, folder), 40), folder, settings_file)

    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in started:
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def found(process: subprocess.Popen[str], folder: Path) -> Client | None:
    if process.poll() is not None:
        pytest.fail(f"serve ended: {process.communicate()[1]}")
    try:
        address = lock.address_of(folder / ".otio_perf")
    except NoServiceError:
        return None
    if address.url is None or address.token_file is None:
        return None
    return Client(address.url, Path(address.token_file).read_text(encoding="ascii").strip())  # its home is not ours


def eventually(ask: Callable[[], Any], seconds: float = 10) -> Any:
    """The first answer that counts as true."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def wait() -> Callable[..., Any]:
    return eventually


# -- the browser -------------------------------------------------------------------------------------------------------

#: What Chromium says of an answer that a test asks for: the page shows it, too.
ASKED_FOR = ("400 (Bad Request)", "404 (Not Found)", "422 (Unprocessable", "409 (Conflict)")


class Page:
    """The dashboard in Chromium, 1280 × 720, as a user has it."""

    def __init__(self, driver: Any, served: Served) -> None:
        self.driver, self.served, self.client = driver, served, served.client
        self.refused: list[str] = []

    def enter(self) -> None:
        self.driver.get(self.client.enter_url())
        eventually(lambda: self.all("main h1, main .empty"))

    def all(self, css: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", css))

    def one(self, css: str) -> Any:
        return eventually(lambda: self.all(css))[0]

    def button(self, label: str, within: str = "body") -> Any:
        """The button or link that is called ``label``, by its words or for screen readers."""
        script = """
            const [within, label] = arguments;
            return [...document.querySelectorAll(`${within} :is(button, a, summary)`)].find(e =>
                e.checkVisibility() && (e.getAttribute("aria-label") ?? e.textContent).trim() === label) ?? null"""
        return eventually(lambda: self.driver.execute_script(script, within, label))

    def text(self, css: str = "main") -> str:
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", css))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def keys(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def go(self, name: str) -> None:
        """To a page, by its link."""
        self.one(f'.side a[href="#/{name}"]').click()
        eventually(lambda: self.all(f"main > .page.{name} > *"))

    def complaints(self) -> list[str]:
        """What the browser's console said since it was asked last: errors, refusals by the security policy, warnings."""
        said = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        return [line for line in said if not any(word in line for word in ASKED_FOR)]

    def measure(self) -> dict[str, float]:
        """Sizes of the window and what does not fit across."""
        return dict(
            self.run("""
                const main = document.querySelector("main"), page = document.documentElement;
                return {window: innerWidth, page: page.scrollWidth, main: main.clientWidth, content: main.scrollWidth}""")
        )


@pytest.fixture(scope="session")
def programs() -> tuple[str, str]:
    """Chromium and its driver; skips where they, or Selenium, are missing."""
    pytest.importorskip("selenium", reason="NO SELENIUM: pip install selenium")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("NO CHROMIUM: chromium and chromedriver are not installed")
    return chromium, driver


@pytest.fixture(scope="session")
def chromium(programs: tuple[str, str]) -> Iterator[Any]:
    """A driver of Chromium without a window, 1280 × 720."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    for flag in ("--headless=new", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", *as_root):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(programs[1]))
    size = {"width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def served(programs: tuple[str, str], serve: Callable[..., Served]) -> Served:
    """The service that most tests look at."""
    return serve()


@pytest.fixture(scope="session")
def page_of(chromium: Any) -> Callable[[Served], Page]:
    return lambda served: Page(chromium, served)


@pytest.fixture(scope="session")
def entered(served: Served, chromium: Any) -> Page:
    """The service's first work is done meanwhile."""
    page = Page(chromium, served)
    timeline = eventually(lambda: next((t for t in served.client.timelines() if t.state in ("ready", "failed")), None), 60)
    assert timeline.state == "ready", timeline.message
    page.enter()
    return page


@pytest.fixture
def page(entered: Page) -> Iterator[Page]:
    """The dashboard; no test may leave a word in the browser's console."""
    yield entered
    assert entered.complaints() == []
