"""What goes wrong in real life, made to happen: nothing half-done is ever published."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otio_perf.cache.workspace import Workspace
from otio_perf.errors import (
    CorruptMediaError,
    DiskFullError,
    EncodeError,
    MediaError,
    OfflineMediaError,
    TaskCancelledError,
)
from otio_perf.media import encode, publish, verify
from otio_perf.media import transcode as transcode_module
from otio_perf.media.encoder_thread import EncoderThread
from otio_perf.media.probe import probe
from otio_perf.media.transcode import transcode
from otio_perf.media.verify import decode_all
from otio_perf.model.recipes import Codec

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def clip(tmp_path: Path, source: Any, long_gop: Any, variant: Any, new_track: Any) -> Path:
    """A copy that may be changed: 120 frames of long GOP with sound."""
    made = source(variant(long_gop, frames=120, size=(640, 360), tracks=(new_track(),)))
    return Path(shutil.copy(made, tmp_path / "clip.mov"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def _run(task: Any, at_frame: int, act: Callable[[], object]) -> Any:
    """Transcode, and do something to the world when ``at_frame`` frames are done."""
    acted = []

    def progress(done: int) -> None:
        if done >= at_frame and not acted:
            acted.append(True)
            act()

    return transcode(task, progress=progress, cancelled=lambda: False)


def _overwrite(clip: Path) -> None:
    with clip.open("r+b") as file:
        file.seek(clip.stat().st_size // 2)
        file.write(os.urandom(2000))


def _overwrite_and_hide(clip: Path) -> None:
    """The clock says that nothing happened; the content does not."""
    before = clip.stat()
    with clip.open("r+b") as file:
        file.seek(100)
        file.write(b"\0" * 50)
    os.utime(clip, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(clip: Path) -> None:
    other = clip.with_name("other.mov")
    shutil.copy(clip, other)
    other.replace(clip)


FATES: dict[str, tuple[Callable[[Path], object], type[MediaError], str]] = {
    "overwritten": (_overwrite, CorruptMediaError, "was changed while its proxy was made"),
    "overwritten, same time": (_overwrite_and_hide, CorruptMediaError, "was changed while its proxy was made"),
    "replaced by rename": (_replace, CorruptMediaError, "was changed while its proxy was made"),
    "truncated": (lambda clip: os.truncate(clip, clip.stat().st_size // 3), CorruptMediaError, "was changed"),
    "deleted": (lambda clip: clip.unlink(), OfflineMediaError, "went offline while its proxy was made"),
    "touched": (os.utime, CorruptMediaError, "was changed"),
}


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("at_frame", [0, 60, 119])
def test_a_source_that_changes_is_never_published(
    fate: str, at_frame: int, clip: Path, out: Path, new_plan: Callable[..., Any]
) -> None:
    act, error, words = FATES[fate]
    task = new_plan(clip, out, rungs=("half", "quarter"))
    with pytest.raises(error, match=words):
        _run(task, at_frame, lambda: act(clip))
    assert os.listdir(out) == []


def test_a_source_that_changed_since_the_probe(clip: Path, out: Path, new_plan: Callable[..., Any]) -> None:
    task = new_plan(clip, out)
    _overwrite(clip)
    os.truncate(clip, clip.stat().st_size - 1)
    with pytest.raises(CorruptMediaError, match="has changed since it was probed"):
        _run(task, 0, lambda: None)
    assert os.listdir(out) == []


def test_cancel_stops_at_once_and_leaves_nothing(clip: Path, out: Path, new_plan: Callable[..., Any]) -> None:
    for at_frame in (0, 40, 120):
        stop = [0.0]
        task = new_plan(clip, out, rungs=("half", "quarter"))

        def progress(done: int, at: int = at_frame, stop: list[float] = stop) -> None:
            if done >= at and not stop[0]:
                stop[0] = time.monotonic()

        with pytest.raises(TaskCancelledError):
            transcode(task, progress=progress, cancelled=lambda stop=stop: bool(stop[0]))
        assert time.monotonic() - stop[0] < 1.0
        assert os.listdir(out) == []


def test_an_older_proxy_stays_until_a_verified_one_replaces_it(
    clip: Path, out: Path, tmp_path: Path, new_plan: Callable[..., Any]
) -> None:
    whole = Path(shutil.copy(clip, tmp_path / "whole.mov"))
    task = new_plan(clip, out)
    final = Path(task.products[0].path)
    final.write_bytes(b"the older one")
    with pytest.raises(CorruptMediaError):
        _run(task, 60, lambda: _overwrite(clip))
    assert final.read_bytes() == b"the older one"
    shutil.copy(whole, clip)
    transcode(new_plan(clip, out), progress=lambda done: None, cancelled=lambda: False)
    assert decode_all(Path(final), lambda: None) == 120
    assert os.listdir(out) == [final.name]


def test_a_proxy_that_differs_is_not_published(
    clip: Path, out: Path, new_plan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line of defence: bytes of the finished file change before it is verified."""
    real = verify.probe

    def damage(path: str, **options: Any) -> Any:
        os.truncate(path, Path(path).stat().st_size // 2)
        return real(path, **options)

    monkeypatch.setattr(verify, "probe", damage)
    with pytest.raises(EncodeError, match="cannot be read back"):
        _run(new_plan(clip, out), 0, lambda: None)
    assert os.listdir(out) == []


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".ts", ".avi"])
def test_truncated_sources_are_told_by_count(
    suffix: str, tmp_path: Path, out: Path, source: Any, long_gop: Any, variant: Any, new_plan: Callable[..., Any]
) -> None:
    options = {"g": "12", "bf": "0"} if suffix == ".avi" else long_gop.options
    whole = source(variant(long_gop, frames=120, suffix=suffix, options=options))
    media = probe(str(whole))
    outcomes = []
    for share in (0.3, 0.6, 0.9):
        cut = Path(shutil.copy(whole, tmp_path / f"cut{suffix}"))
        os.truncate(cut, int(cut.stat().st_size * share))
        try:
            task = new_plan(cut, out)
        except MediaError as error:
            outcomes.append(str(error))
            continue
        try:
            made = transcode(task, progress=lambda done: None, cancelled=lambda: False)
        except MediaError as error:
            outcomes.append(str(error))
        else:  # a format without an index: the file is shorter, and so is its proxy; nothing is missing in between
            assert task.media.picture.frame_count < media.picture.frame_count
            assert decode_all(Path(made.products[0].path), lambda: None) == len(task.products[0].source_range)
            Path(made.products[0].path).unlink()
    assert os.listdir(out) == []
    assert all("cut" in text for text in outcomes)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx264", ".mov"), ("mpeg2video", ".ts"), ("libx265", ".mkv"), ("prores_ks", ".mov")]
)
def test_flipped_bits_do_not_pass_unseen(
    codec: str, suffix: str, tmp_path: Path, out: Path, source: Any, new_source: Any, new_plan: Callable[..., Any], numbers: Any
) -> None:
    """A flip is refused, or it did no harm: every published proxy shows every number, in order."""
    options = {"libx264": {"preset": "veryfast"}, "libx265": {"x265-params": "log-level=error"}}.get(codec, {})
    pixels = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    whole = source(new_source(codec=codec, pixels=pixels, suffix=suffix, options=options, frames=40))
    size = whole.stat().st_size
    rng = random.Random(5)
    refused = published = 0
    for _ in range(12):
        damaged = Path(shutil.copy(whole, tmp_path / f"damaged{suffix}"))
        with damaged.open("r+b") as file:
            for _ in range(6):
                file.seek(rng.randrange(size // 10, size * 8 // 10))
                byte = file.read(1)[0] ^ (1 << rng.randrange(8))
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte]))
        try:
            made = transcode(new_plan(damaged, out), progress=lambda done: None, cancelled=lambda: False)
        except MediaError as error:
            refused += 1
            assert str(error)
        else:
            published += 1
            assert decode_all(Path(made.products[0].path), lambda: None) == 40
            Path(made.products[0].path).unlink()
    assert os.listdir(out) == []
    assert refused + published == 12
    assert refused >= 3, f"{refused} refused, {published} published"


def test_the_error_says_how_many_frames(tmp_path: Path, out: Path, source: Any, new_source: Any, new_plan: Any) -> None:
    whole = source(new_source(codec="mjpeg", pixels="yuvj420p", suffix=".mov", options={}, frames=40))
    damaged = Path(shutil.copy(whole, tmp_path / "damaged.mov"))
    task = new_plan(damaged, out)
    import av

    with av.open(str(whole)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    with damaged.open("r+b") as file:
        for position, size in places[10:13]:
            file.seek(position)
            file.write(b"\0" * size)
    task = new_plan(damaged, out)
    with pytest.raises(CorruptMediaError, match=r"of 40 frames"):
        transcode(task, progress=lambda done: None, cancelled=lambda: False)


# -- disks -------------------------------------------------------------------------------------------------------------


def _in_namespace(script: str, folder: Path, mount: str) -> subprocess.CompletedProcess[str]:
    """Run Python where ``folder`` is another file system; skip loudly where this system does not allow it."""
    shell = f"{mount} && exec {sys.executable} -c '{script}'"
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("NO NAMESPACES: unshare is not installed, disk faults were not tried")
    probe_run = subprocess.run([unshare, "-Urm", "sh", "-c", f"{mount}"], capture_output=True, text=True, check=False)
    if probe_run.returncode:
        pytest.skip(f"NO NAMESPACES: {probe_run.stderr.strip()[:100]}, disk faults were not tried")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [unshare, "-Urm", "sh", "-c", shell],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
        cwd=folder.parent,
    )


_SCRIPT = """
import json, os, sys
sys.path.insert(0, "{root}")
from otio_perf.model import wire
from otio_perf.model.tasks import ProxyTask
from otio_perf.media import transcode, publish
task = wire.loads(ProxyTask, open("{task}").read())
{before}
seen = []
try:
    transcode.transcode(task, progress=seen.append, cancelled=lambda: False)
    print(json.dumps(["done"]))
except Exception as error:
    print(json.dumps([type(error).__name__, str(error), max(seen, default=0), os.listdir("{out}")]))
"""


@pytest.mark.parametrize(
    ("fault", "error"), [("full", DiskFullError), ("full at once", DiskFullError), ("read-only", EncodeError)]
)
def test_disks_that_take_nothing(
    fault: str, error: type[Exception], clip: Path, out: Path, tmp_path: Path, new_plan: Any
) -> None:
    from otio_perf.model import wire

    task = new_plan(clip, out, rungs=("half",), codec=Codec.PRORES_4444)
    saved = tmp_path / "task.json"
    saved.write_text(wire.dumps(task))
    size = {"full": "900k", "full at once": "64k", "read-only": "256m,ro"}[fault]
    before = "transcode.require_room = lambda *a: None" if fault == "full" else ""
    script = _SCRIPT.format(root=ROOT, task=saved, out=out, before=before)
    done = _in_namespace(script, out, f"mount -t tmpfs -o size={size} tmpfs {out}")
    assert done.returncode == 0, done.stderr
    name, text, frames, left = json.loads(done.stdout)
    assert name == error.__name__, text
    assert left == []
    assert "\n" not in text
    if error is DiskFullError:
        assert "disk full" in text
        assert "have" in text
    assert (frames > 0) == (fault == "full")


def test_a_disk_that_others_fill_stops_the_work_before_it_is_full(
    clip: Path, out: Path, new_plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room at the beginning, and little left after a while: the reserve is for the index and for other programs."""
    seen: list[int] = []
    monkeypatch.setattr(publish, "free_bytes", lambda folder: (1 << 40) if max(seen, default=0) < 30 else 63 << 20)
    monkeypatch.setattr(transcode_module, "_DISK_SECONDS", 0.0)
    with pytest.raises(DiskFullError, match=r"disk full: need 67\.1 MB, have 66\.1 MB"):
        transcode(new_plan(clip, out), progress=seen.append, cancelled=lambda: False)
    assert 30 <= max(seen) < 60
    assert os.listdir(out) == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DiskFullError, "disk full"),
        (PermissionError(errno.EACCES, "Permission denied"), EncodeError, "Permission denied"),
        (ValueError("no movie box at the end"), EncodeError, "cannot be read back"),
        (struct.error("unpack requires 8 bytes"), EncodeError, "cannot be read back"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_last_touch_fails(
    fault: Exception, error: type[Exception], words: str, clip: Path, out: Path, new_plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of three proxies cannot be annotated: one error of ours, no file left, and none held open."""
    calls: list[Path] = []

    def annotate(path: Path, **tags: object) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise fault

    monkeypatch.setattr(encode, "annotate", annotate)
    with pytest.raises(error, match=words):
        transcode(new_plan(clip, out, rungs=("half", "quarter", "120p")), progress=lambda done: None, cancelled=lambda: False)
    assert len(calls) == 2
    assert os.listdir(out) == []
    if Path("/proc/self/fd").exists():
        open_files = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd_is_there(fd)]
        assert [name for name in open_files if ".part." in name] == []


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [
        (errno.ENOSPC, DiskFullError, "disk full: have"),
        (errno.EDQUOT, DiskFullError, "quota"),
        (errno.EFBIG, EncodeError, "ulimit -f"),
        (errno.EIO, EncodeError, "Input/output error"),
    ],
)
def test_the_system_refuses_a_packet(
    number: int, error: type[Exception], words: str, clip: Path, out: Path, new_plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the encoder's thread, and not as an error of FFmpeg."""

    def write(self: EncoderThread, frame: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(EncoderThread, "write", write)
    with pytest.raises(error, match=words):
        transcode(new_plan(clip, out), progress=lambda done: None, cancelled=lambda: False)
    assert os.listdir(out) == []


def fd_is_there(fd: str) -> bool:
    return Path(f"/proc/self/fd/{fd}").is_symlink()


# -- kills -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_random_moments_twenty_times(clip: Path, out: Path, tmp_path: Path, new_plan: Any, numbers: Any) -> None:
    """No partial file under a final name; orphans are recognised and cleaned; the next run heals."""
    from otio_perf.model import wire

    task = new_plan(clip, out, rungs=("half", "quarter"))
    saved = tmp_path / "task.json"
    saved.write_text(wire.dumps(task))
    script = _SCRIPT.format(root=ROOT, task=saved, out=out, before='print("ready", flush=True)')
    finals = {Path(product.path).name for product in task.products}

    def start() -> subprocess.Popen[str]:
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        return child

    child = start()
    warm = time.monotonic()
    assert json.loads(child.communicate(timeout=60)[0]) == ["done"]
    takes = time.monotonic() - warm
    for name in finals:
        (out / name).unlink()
    rng = random.Random(1)
    interrupted = 0
    for _ in range(20):
        child = start()
        time.sleep(rng.uniform(0.02, 1.0) * takes)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        for name in os.listdir(out):
            if publish.is_part(name):
                interrupted += 1
            else:
                assert name in finals
                assert numbers(out / name) == list(range(120))
                (out / name).unlink()
    assert interrupted > 0
    Workspace.open(tmp_path / "ws").clean_orphans(publish.is_part, beside=[out], min_age_seconds=0)
    assert os.listdir(out) == []
    made = transcode(task, progress=lambda done: None, cancelled=lambda: False)
    assert all(numbers(Path(product.path)) == list(range(120)) for product in made.products)
