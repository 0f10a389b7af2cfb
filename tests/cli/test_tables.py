"""What people read of an answer names what it is about, and says nothing twice."""

from __future__ import annotations

from fractions import Fraction

import pytest

from otio_perf.cli import tables
from otio_perf.model.analysis import MediaFinding
from otio_perf.model.events import Ready
from otio_perf.model.media import ColourTags, Gop, MediaInfo, MediaKind, VideoInfo
from otio_perf.model.plans import Action, Decision, Plan, Product
from otio_perf.model.recipes import PrerenderRecipe, ProxyRecipe
from otio_perf.model.results import LeftToHost, PrerenderReport, ProxyReport, RenderedFrame, StillReport
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import Target, TargetKind


def still(*frames: RenderedFrame) -> StillReport:
    return StillReport(path="x.png", width=640, height=360, colour="bt709", engine="processor", frames=frames)


def rendered(frame: int, timecode: str, *approximate: str) -> RenderedFrame:
    return RenderedFrame(frame=frame, timecode=timecode, approximate=approximate, unknown=(), missing=())


def test_what_is_true_of_several_frames_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    report = still(rendered(0, "01:00:00:00", "HDR"), rendered(48, "01:00:02:00", "HDR"), rendered(50, "01:00:02:02"))
    tables.show_still(report)
    said = " ".join(capsys.readouterr().out.split())
    assert "01:00:00:00, 01:00:02:00 near to the host's, not equal: HDR" in said
    assert said.count("HDR") == 1


@pytest.mark.parametrize(("kind", "rate"), [(MediaKind.SEQUENCE, "25 fps assumed"), (MediaKind.VIDEO, "25 fps,")])
def test_a_rate_that_pictures_do_not_carry_is_called_assumed(
    kind: MediaKind, rate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    video = VideoInfo(
        stream_index=0,
        codec="png",
        profile=None,
        width=640,
        height=360,
        pixel_format="rgb24",
        bit_depth=8,
        has_alpha=False,
        frame_rate=Fraction(25),
        is_vfr=False,
        frame_count=48,
        duration=Fraction(48, 25),
        start_time=Fraction(0),
        sample_aspect=Fraction(1),
        rotation=0,
        is_mirrored=False,
        field_order="progressive",
        colour=ColourTags(),
        gop=Gop(longest=1, mean=1.0, has_b_frames=False),
        bits_per_second=1,
    )
    info = MediaInfo(
        path="/plate/plate.1001.png",
        kind=kind,
        container="image2",
        size_bytes=1,
        fingerprint="f",
        duration=Fraction(48, 25),
        video=(video,),
        audio=(),
        other_streams=0,
        start_timecode=None,
        reel=None,
    )
    tables.show_media([MediaFinding(path=info.path, url=info.path, state="online", info=info, reason=None)])
    assert rate in " ".join(capsys.readouterr().out.split())


def test_a_note_names_the_media_that_it_is_of(capsys: pytest.CaptureFixture[str]) -> None:
    decisions, outcomes = [], []
    for name in ("ramp.mov", "phone.mp4", "plain.mp4"):
        product = Product(
            key=name,
            source_path=f"/m/{name}",
            source_fingerprint="f",
            recipe=ProxyRecipe(rung="720p"),
            path=f"/w/{name}_720p.mov",
            source_range=FrameRange(0, 10, Fraction(25)),
            width=1280,
            height=720,
        )
        target = Target(kind=TargetKind.FILE, url=name, path=f"/m/{name}")
        decisions.append(
            Decision(
                target=target, action=Action.MAKE, reason="4K", products=(product,), predicted_seconds=1.0, predicted_bytes=1
            )
        )
        notes = () if name == "plain.mp4" else ("RGB was converted to bt709",)
        outcomes.append(Ready(key=name, products=(product,), seconds=1.0, notes=notes))
    report = ProxyReport(plan=Plan(decisions=tuple(decisions)), media=(), outcomes=tuple(outcomes), seconds=1.0)
    tables.show_proxies(report, dry_run=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "phone.mp4, ramp.mov: RGB was converted to bt709" in said
    assert said.count("RGB was converted") == 1


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ((Action.SKIP, Action.SKIP), "2 media, none needs a proxy."),
        ((Action.SKIP, Action.HAVE), "2 media, none is to get a new proxy."),
        ((), "no media."),
    ],
)
def test_media_that_get_no_proxy_are_counted(
    actions: tuple[Action, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions = tuple(
        Decision(target=Target(kind=TargetKind.FILE, url=f"{i}.mp4", path=f"/m/{i}.mp4"), action=action, reason="plays")
        for i, action in enumerate(actions)
    )
    tables.show_proxies(ProxyReport(plan=Plan(decisions=decisions), media=(), outcomes=(), seconds=0.0), dry_run=True)
    assert said in capsys.readouterr().out


def prerendered(mode: str, *left: LeftToHost) -> PrerenderReport:
    return PrerenderReport(
        source="cut.otio",
        mode=mode,
        engine="processor",
        recipe=PrerenderRecipe(),
        width=640,
        height=360,
        colour="bt709",
        regions=(),
        left=left,
        predicted_seconds=0.0,
        predicted_bytes=0,
        seconds=0.1,
    )


@pytest.mark.parametrize("dry_run", [False, True])
def test_why_nothing_is_prerendered_is_said(dry_run: bool, capsys: pytest.CaptureFixture[str]) -> None:
    tables.show_prerender(prerendered("auto"), dry_run=dry_run)
    said = " ".join(capsys.readouterr().out.split())
    assert "plays in real time here with the proxies that the timeline has; --prerender all renders" in said
    tables.show_prerender(prerendered("all"), dry_run=dry_run)
    assert "Nothing has effects, transitions or several layers" in " ".join(capsys.readouterr().out.split())
    left = LeftToHost(start=0, stop=9, start_timecode="01:00:00:00", stop_timecode="01:00:00:09", reason="Glow is unknown")
    tables.show_prerender(prerendered("auto", left), dry_run=dry_run)
    said = " ".join(capsys.readouterr().out.split())
    assert "left to the editing program: 01:00:00:00 – 01:00:00:09: Glow is unknown" in said
    assert "plays in real time" not in said
