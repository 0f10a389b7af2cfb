"""What is not exact is said in the same words by ``frame``, ``prerender`` and ``render``, and shown as the same picture."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio

Command = Callable[..., "subprocess.CompletedProcess[str]"]
NEAR = "HDR of sun.mov as SDR"


def clip(name: str, effect: str) -> otio.schema.Clip:
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(6, 24))
    made = otio.schema.Clip(name, otio.schema.ExternalReference(name), span)
    made.effects.append(otio.schema.Effect(effect_name=effect, metadata={"otio_perf": {"stops": -0.2}}))
    return made


def film(path: Path, *, primaries: int, transfer: int, matrix: int) -> None:
    """Half a second of grey and coloured ramps."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("prores_ks", rate=24)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 320, 180, "yuv422p10le"
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = primaries, transfer, matrix, 1
        ramp = np.linspace(30, 230, 320, dtype=np.uint8)[None].repeat(180, 0)
        picture = np.stack([ramp, ramp, ramp[:, ::-1]], axis=2)
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv422p10le")
            frame.pts = number
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = primaries, transfer, matrix, 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def pictures(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [f.reformat(format="rgb24", src_colorspace="itu709").to_ndarray().astype(float) for f in frames]


def test_hdr_in_an_sdr_timeline(otio_perf: Command, tmp_path: Path) -> None:
    film(tmp_path / "sun.mov", primaries=9, transfer=16, matrix=9)  # BT.2020 and PQ, Rec. ITU-T H.273
    film(tmp_path / "plain.mov", primaries=1, transfer=1, matrix=1)
    track = otio.schema.Track(kind="Video", children=[clip("sun.mov", "exposure"), clip("plain.mov", "exposure")])
    otio.adapters.write_to_file(otio.schema.Timeline("cut", tracks=[track]), str(tmp_path / "cut.otio"))

    def ask(code: int, *words: str) -> dict[str, Any]:
        done = otio_perf(words[0], "cut.otio", *words[1:], "--gpu", "off", "--json", "-", cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else {"said": done.stderr}

    prerender = ("prerender", "--prerender", "all", "-o", "out.otio")
    assert NEAR in ask(5, "frame", "3", "-o", "x.png")["said"]
    (left,) = ask(0, *prerender, "--dry-run")["left_to_host"]
    assert (left["start"], left["stop"], left["effects"]) == (0, 6, [NEAR])
    (problem,) = ask(5, "render", "-o", "out.mov", "--audio", "none")["problems"]
    assert (problem["start"], problem["stop"], problem["names"], problem["in_the_way"]) == (0, 6, [NEAR], True)

    assert ask(0, "frame", "3", "-o", "x.png", "--fidelity", "approximate")["frames"][0]["approximate"] == [NEAR]
    (region,) = ask(0, *prerender, "--fidelity", "approximate")["regions"]
    ask(0, "render", "-o", "out.mov", "--audio", "none", "--fidelity", "approximate")
    (wanted,) = pictures(tmp_path / "x.png")
    for path in (Path(region["path"]), tmp_path / "out.mov"):
        difference = pictures(tmp_path / path)[3] - wanted
        assert 10 * np.log10(255**2 / (difference**2).mean()) > 30  # chroma of 4:2:2 is scaled up by FFmpeg here
        assert abs(difference.mean()) < 2  # and to 8 bits, rounded down


MOTION = """<filter><effect><name>Basic Motion</name><effectid>basic</effectid><effecttype>motion</effecttype>
<mediatype>video</mediatype><parameter><parameterid>scale</parameterid><name>Scale</name><value>150</value></parameter>
</effect></filter></clipitem>"""


def test_final_cuts_xml_places_pixel_for_pixel(otio_perf: Command, tmp_path: Path) -> None:
    """320 × 180 on 640 × 360: as it is, in the middle; with a scale of 150, half as large again. Others fill the canvas."""
    film(tmp_path / "plain.mov", primaries=1, transfer=1, matrix=1)
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(12, 24))
    clip = otio.schema.Clip("plain", otio.schema.ExternalReference((tmp_path / "plain.mov").as_uri(), span), span)
    timeline = otio.schema.Timeline("cut", tracks=[otio.schema.Track("V1", kind="Video", children=[clip])])
    size = {"samplecharacteristics": {"width": "640", "height": "360"}}
    timeline.metadata["fcp_xml"] = {"media": {"video": {"format": size}}}
    for name in ("cut.xml", "cut.otio"):
        otio.adapters.write_to_file(timeline, str(tmp_path / name))
    larger = (tmp_path / "cut.xml").read_text().replace("</clipitem>", MOTION)
    (tmp_path / "larger.xml").write_text(larger)

    def box(name: str) -> tuple[int, ...]:
        words = (name, "3", "-o", f"{name}.png", "--fidelity", "approximate", "--gpu", "off", "--json", "-")
        done = otio_perf("frame", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        (told,) = json.loads(done.stdout)["frames"]
        assert ("size of plain.mov" in told["approximate"]) is name.endswith(".xml")
        (picture,) = pictures(tmp_path / f"{name}.png")
        rows, columns = np.nonzero(picture.max(axis=2) > 20)
        return tuple(map(int, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)))

    assert box("cut.xml") == (160, 90, 480, 270)
    assert box("larger.xml") == (80, 45, 560, 315)
    assert box("cut.otio") == (0, 0, 640, 360)
