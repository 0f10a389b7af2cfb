"""Nothing but media is opened, nothing but the named file is read, and nothing hangs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from otio_perf.errors import (
    CorruptMediaError,
    MediaError,
    OfflineMediaError,
    RefusedMediaError,
    UnsupportedMediaError,
)
from otio_perf.media.safe_open import safe_open
from otio_perf.model.media import Sequence


def opened_size(path: str, **options: object) -> tuple[int, int]:
    with safe_open(path, **options) as container:  # type: ignore[arg-type]
        frame = next(container.decode(video=0))
        return frame.width, frame.height


NAMES = [
    "with space.mp4",
    "quote'\".mp4",
    "new\nline.mp4",
    "%04d.mp4",
    "a:b.mp4",
    "concat:q.mp4",
    "file:r.mp4",
    "-n.mp4",
    "q?x=1#y&z.mp4",
    "大平原 é.mp4",
    "b" * 251 + ".mp4",
    os.fsdecode(b"\xff\xfe.mp4"),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_file_name_is_just_a_name(movie: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        shutil.copy(movie, tmp_path / name)
    except (OSError, ValueError):
        pytest.skip("FILE SYSTEM: it does not allow this name")
    assert opened_size(str(tmp_path / name)) == (128, 96)
    monkeypatch.chdir(tmp_path)
    assert opened_size(name) == (128, 96)  # relative: not taken for an option, a protocol or a pattern


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="NO FIFO: this system has none")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    begin = time.monotonic()
    with pytest.raises(RefusedMediaError, match=r"pipe\.mp4: is a named pipe"), safe_open(str(tmp_path / "pipe.mp4")):
        pass
    assert time.monotonic() - begin < 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX: devices and sockets in the file system")
def test_devices_folders_and_sockets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    (tmp_path / "folder.mp4").mkdir()
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind(str(tmp_path / "s.mp4"))
        for name, kind in (("zero.mp4", "a device"), ("folder.mp4", "a directory"), ("s.mp4", "a socket")):
            with pytest.raises(RefusedMediaError, match=f"is {kind}"), safe_open(str(tmp_path / name)):
                pass


def test_no_address_is_opened_and_no_packet_is_sent(movie: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        host = f"http://127.0.0.1:{canary.getsockname()[1]}/a.mp4"
        addresses = [host, f"async:{host}", f"concat:{movie}|{movie}", f"subfile,,start,0,end,0,,:{movie}", f"cache:{movie}"]
        for address in [*addresses, "data:video/mp4;base64,AAAA", "pipe:0", "fd:0", "rtsp://127.0.0.1/x", f"file:{movie}"]:
            with pytest.raises(RefusedMediaError, match="address"), safe_open(address):
                pass
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{host}\n#EXT-X-ENDLIST\n"
        (tmp_path / "p.mp4").write_text(playlist)
        with pytest.raises(RefusedMediaError, match="HLS"), safe_open(str(tmp_path / "p.mp4")):
            pass
        with pytest.raises(TimeoutError):
            canary.accept()


TEXTS = [
    ("a.m3u8", "#EXTM3U\n#EXTINF:1,\n{movie}\n", RefusedMediaError, "HLS playlist"),
    ("a.ffconcat", "ffconcat version 1.0\nfile movie.mp4\n", RefusedMediaError, "ffconcat playlist"),
    ("renamed.mp4", "ffconcat version 1.0\nfile movie.mp4\n", RefusedMediaError, "ffconcat playlist"),
    ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", RefusedMediaError, "SDP"),
    ("a.mpd", '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>', RefusedMediaError, "DASH manifest"),
    ("text.mov", "Dear editor,\nthe movie is on the other disk.\n", RefusedMediaError, "text file"),
    ("lfs.mp4", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", OfflineMediaError, "git lfs pull"),
    ("empty.mp4", "", CorruptMediaError, "0 bytes"),
]


@pytest.mark.parametrize(("name", "text", "error", "words"), TEXTS, ids=[row[0] for row in TEXTS])
def test_what_is_no_media_is_said_in_one_line(
    movie: Path, tmp_path: Path, name: str, text: str, error: type[MediaError], words: str
) -> None:
    shutil.copy(movie, tmp_path / "movie.mp4")
    (tmp_path / name).write_text(text.replace("{movie}", "movie.mp4"))
    with pytest.raises(error, match=words) as caught, safe_open(str(tmp_path / name)):
        pass
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_missing_files_are_offline(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.mp4", tmp_path / ("x" * 300)):
        with pytest.raises(OfflineMediaError, match="offline"), safe_open(str(path)):
            pass
    with pytest.raises(RefusedMediaError, match="possible file name"), safe_open("a\0b.mp4"):
        pass


def test_safety_options_cannot_be_overridden(movie: Path, tmp_path: Path) -> None:
    shutil.copy(movie, tmp_path / "movie.mp4")
    (tmp_path / "list.ffconcat").write_text("ffconcat version 1.0\nfile movie.mp4\n")
    loose = {"format_whitelist": "concat,mov", "protocol_whitelist": "file,http"}
    with pytest.raises(RefusedMediaError), safe_open(str(tmp_path / "list.ffconcat"), options=loose):
        pass


def test_a_still_named_like_a_pattern_is_itself(tmp_path: Path, write_picture: Callable[..., Path]) -> None:
    write_picture(tmp_path / "a0.png", 16, 8)
    write_picture(tmp_path / "a%d.png", 64, 48)
    assert opened_size(str(tmp_path / "a%d.png")) == (64, 48)


def picture_run(folder: Path, write_picture: Callable[..., Path], numbers: range) -> Sequence:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        write_picture(folder / f"s%d_{number:04d}.png", 16 + 2 * (number - numbers[0]), 8)
    return Sequence(directory=str(folder), prefix="s%d_", suffix=".png", padding=4, first=numbers[0], last=numbers[-1])


def test_a_sequence_starts_at_its_number_whatever_its_folder_is_called(
    tmp_path: Path, write_picture: Callable[..., Path]
) -> None:
    sequence = picture_run(tmp_path / "100%d %04d", write_picture, range(1001, 1006))
    with safe_open("", sequence=sequence, options={"framerate": "24000/1001"}) as container:
        assert str(container.streams.video[0].average_rate) == "24000/1001"
        widths = [frame.width for frame in container.decode(video=0)]
    assert widths == [16, 18, 20, 22, 24]


def test_a_gap_is_named(tmp_path: Path, write_picture: Callable[..., Path]) -> None:
    sequence = picture_run(tmp_path, write_picture, range(1001, 1010))
    (tmp_path / "s%d_1007.png").unlink()
    with pytest.raises(CorruptMediaError, match=r"frame 1007 of s%d_####\.png is missing"), safe_open("", sequence=sequence):
        pass
    for file in tmp_path.glob("*.png"):
        file.unlink()
    with pytest.raises(OfflineMediaError, match="none of its 9 frames"), safe_open("", sequence=sequence):
        pass


def test_a_link_among_pictures_is_looked_at(tmp_path: Path, write_picture: Callable[..., Path]) -> None:
    sequence = picture_run(tmp_path, write_picture, range(1, 5))
    (tmp_path / "s%d_0003.png").unlink()
    (tmp_path / "real.png").symlink_to("/dev/zero")
    (tmp_path / "s%d_0003.png").symlink_to(tmp_path / "real.png")
    with pytest.raises(MediaError), safe_open("", sequence=sequence):
        pass


def test_camera_raw_is_named_with_a_way_out(tmp_path: Path) -> None:
    for name, words in (("A001.R3D", "RED R3D"), ("B.braw", "Blackmagic RAW"), ("C.ari", "ARRIRAW"), ("D.crm", "Canon")):
        (tmp_path / name).write_bytes(os.urandom(4096))
        with pytest.raises(UnsupportedMediaError, match=words) as caught, safe_open(str(tmp_path / name)):
            pass
        assert "Proxy folder" in str(caught.value)


def test_a_broken_file_prints_nothing(movie: Path, tmp_path: Path) -> None:
    data = bytearray(movie.read_bytes())
    for position in range(100, len(data), 97):
        data[position] ^= 0x5A
    (tmp_path / "broken.mp4").write_bytes(data)
    script = (
        "import sys\n"
        "from otio_perf.media.probe import probe\n"
        "from otio_perf.errors import MediaError\n"
        "try:\n    probe(sys.argv[1])\nexcept MediaError:\n    pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "broken.mp4")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.testdata
def test_encrypted_media_is_refused(testdata: Path) -> None:
    path = testdata / "media/androidx/drm_sample_fragmented_clearkey.mp4"
    with pytest.raises(RefusedMediaError, match="encrypted"), safe_open(str(path)):
        pass
