"""Proxies whose streams are numbered as those of their sources: what MLT shows and plays when it is asked by number."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from otio_perf.errors import ContractError
from otio_perf.media import arranged, contract
from otio_perf.media.finished import key_in
from otio_perf.media.planes import planes_of
from otio_perf.media.probe import probe
from sample_timelines.make_media import draw_number, read_number

RATE, FRAMES = 48_000, 25


def make(path: Path, order: str) -> Path:
    """``v``: numbers in the picture; ``a``, ``b``: tones of 440 and 880 Hz; ``s``: subtitles without any."""
    streams = []
    with av.open(str(path), "w") as container:
        for kind in order:
            if kind == "v":
                stream = container.add_stream("libx264", rate=Fraction(25), options={"g": "1", "qp": "10", "bf": "0"})
                stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
            elif kind == "s":
                container.add_mux_stream("mov_text" if path.suffix == ".mov" else "subrip")
                continue
            else:
                stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
            streams.append((kind, stream))
        for number in range(FRAMES):
            for kind, stream in streams:
                if kind == "v":
                    luma = np.full((180, 320), 90, np.uint8)
                    draw_number(luma, number)
                    planes = np.vstack([luma, np.full((90, 320), 128, np.uint8)])
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
                else:
                    moments = np.arange(number * 1920, (number + 1) * 1920) / RATE
                    tone = (np.sin(2 * np.pi * {"a": 440, "b": 880}[kind] * moments) * 9000).astype(np.int16)
                    frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
                    frame.sample_rate, frame.pts = RATE, number * 1920
                    container.mux(stream.encode(frame))
        for _, stream in streams:
            container.mux(stream.encode())
    return path


def played(path: Path, picture: int, sound: int, melted_by: Callable[..., None]) -> tuple[list[int], int]:
    """The numbers that melt shows, and the pitch that it plays."""
    out = path.with_name("melted.mkv")
    words = [f"video_index={picture}", f"audio_index={sound}", "in=0", f"out={FRAMES - 1}"]
    to = ["-consumer", f"avformat:{out}", "vcodec=ffv1", "pix_fmt=yuv420p", "acodec=pcm_s16le", "real_time=-1"]
    profile = path.with_name("profile")
    profile.write_text(
        "description=x\nframe_rate_num=25\nframe_rate_den=1\nwidth=320\nheight=180\nprogressive=1\nsample_aspect_num=1\n"
        "sample_aspect_den=1\ndisplay_aspect_num=16\ndisplay_aspect_den=9\ncolorspace=601\n"
    )
    melted_by(["melt", "-silent", "-profile", str(profile), str(path), *words, *to])
    with av.open(str(out)) as container:
        numbers = [read_number(planes_of(frame)[1][0]) for frame in container.decode(video=0)]
    with av.open(str(out)) as container:
        samples = np.concatenate([frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in container.decode(audio=0)])
    heard = samples[RATE // 4 : RATE // 4 * 3].astype(float)
    return numbers, int(np.argmax(np.abs(np.fft.rfft(heard))) * RATE / len(heard))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("order", ["av", "avb", "abv", "vsab"])
def test_asked_by_the_numbers_of_the_source_melt_plays_the_same(
    order: str, suffix: str, tmp_path: Path, melted_by: Callable[..., None]
) -> None:
    source = make(tmp_path / "source.mkv", order)
    proxy = make(tmp_path / "proxy.mov", "v" + "".join(kind for kind in order if kind in "ab"))
    media = probe(str(source))
    numbers = arranged.order_of(media, probe(str(proxy)))
    assert not arranged.is_arranged(numbers)
    out = tmp_path / f"arranged{suffix}"
    size, _ = arranged.arrange(proxy, out, numbers, key="the key")
    assert (out.stat().st_size, key_in(out)) == (size, "the key")
    assert contract.compare_numbers(media, probe(str(proxy)))
    assert not contract.compare_numbers(media, probe(str(out)))
    for kind, pitch in (("a", 440), ("b", 880)):
        if kind in order:
            shown = played(out, order.index("v"), order.index(kind), melted_by)
            assert shown == (list(range(FRAMES)), pitch)


def test_what_is_in_order_already_stays_so(tmp_path: Path) -> None:
    source, proxy = make(tmp_path / "source.mkv", "vabs"), make(tmp_path / "proxy.mov", "vab")
    order = arranged.order_of(probe(str(source)), probe(str(proxy)))
    assert (order, arranged.is_arranged(order)) == ((0, 1, 2), True)


def test_a_difference_of_the_numbers_has_a_name(tmp_path: Path) -> None:
    source, proxy = (probe(str(make(tmp_path / name, order))) for name, order in (("a.mkv", "av"), ("b.mov", "va")))
    found = contract.compare_numbers(source, proxy)
    assert [one.text for one in found] == [
        "the number of the picture's stream should be 1, and is 0",
        "the list of the sounds' streams should be [0], and is [1]",
    ]


def test_what_no_order_helps_is_said(tmp_path: Path) -> None:
    source = probe(str(make(tmp_path / "source.mkv", "vab")))
    with pytest.raises(ContractError, match="1 instead of 2"):
        arranged.order_of(source, probe(str(make(tmp_path / "one.mov", "va"))))
    several = probe(str(make(tmp_path / "several.mkv", "vva")))
    with pytest.raises(ContractError, match="2 video streams"):
        arranged.order_of(several, probe(str(make(tmp_path / "one.mov", "va"))))
