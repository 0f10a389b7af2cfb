"""Every target gets a decision with a reason; ranges, keys and sizes are exact."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from otio_perf.model.media import Gop, MediaKind, Sequence
from otio_perf.model.plans import Action, Decision, Plan, Product
from otio_perf.model.recipes import BurnIn, Codec, Lut, ProxyRecipe, Purpose, Scope
from otio_perf.model.timing import FrameRange
from otio_perf.model.uses import TargetKind, TrackKind
from otio_perf.planning import cost, planner, suggestions
from otio_perf.planning.policy import Policy, active_recipe, choose_rung

HD = ProxyRecipe(rung="1080p")


def make(build: SimpleNamespace, uses: list[Any], infos: list[Any], **changes: Any) -> Plan:
    """The plan of one timeline; ``changes`` go to ``planner.plan``."""
    surveys = changes.pop("surveys", None) or ([build.survey(uses)[0]] if uses else [])
    return planner.plan(
        **{
            "surveys": surveys,
            "media": {i.path: build.finding(i) for i in infos},
            "recipes": [HD],
            "policy": Policy(),
            "machine": build.machine(),
            "existing": lambda key: None,
            "name_for": lambda media, recipe, key, part: f"{media.path}.{recipe.rung}.{part.start if part else 'all'}",
            **changes,
        }
    )


def only(plan: Plan) -> Decision:
    assert len(plan.decisions) == 1
    assert plan.decisions[0].reason
    return plan.decisions[0]


def test_a_large_source_gets_a_proxy(build: SimpleNamespace) -> None:
    decision = only(make(build, [build.use(build.target(), 0, 50)], [build.media(audio=1)]))
    assert decision.action is Action.MAKE
    assert "2 × the size of 1080p" in decision.reason
    (product,) = decision.products
    assert (product.width, product.height) == (1920, 1080)
    assert product.source_range == FrameRange(0, 1000, Fraction(25))
    assert product.path == "/m/a.mp4.1080p.all"
    # 1000 frames × (decode 48.4 + scaling 0.2 × 8.29 + encoding 5 × 2.07)
    assert decision.predicted_seconds == pytest.approx(48.3944 + 1.6589 + 10.368, rel=1e-3)
    assert decision.predicted_bytes == pytest.approx(1000 * 1920 * 1080 * 0.65 / 8 + 40 * 48000 * 4)


def test_one_that_plays_is_left_alone_unless_forced(build: SimpleNamespace) -> None:
    small = build.media(width=2048, height=1152)
    uses = [build.use(build.target(), 0, 50)]
    left = only(make(build, uses, [small]))
    assert left.action is Action.SKIP
    assert "plays as it is" in left.reason
    assert only(make(build, uses, [small], policy=Policy(force=True))).action is Action.MAKE


def test_the_longer_side_decides_so_portrait_is_not_forgotten(build: SimpleNamespace) -> None:
    """Shotcut issue 1512: 640x1080 never got a 540p proxy, because its shorter side is small."""
    portrait = build.media(width=640, height=1080)
    decision = only(make(build, [build.use(build.target(), 0, 5)], [portrait], recipes=[ProxyRecipe(rung="360p")]))
    assert decision.action is Action.MAKE
    assert (decision.products[0].width, decision.products[0].height) == (360, 608)


def test_a_slow_span_makes_a_proxy_needed(build: SimpleNamespace) -> None:
    info = build.media(width=2048, height=1152)
    survey, spans = build.survey([build.use(build.target(), 0, 50)])
    costs = cost.predict(survey, spans, {info.path: info}, build.machine())
    assert costs[0].factor > 1
    analysis = suggestions.analyze(survey, costs, machine=build.machine(), findings=[build.finding(info)])
    decision = only(make(build, [], [info], surveys=[survey], analyses=[analysis]))
    assert decision.action is Action.MAKE
    assert "needs 1.1 × the time it has in the timeline" in decision.reason


def test_a_light_layer_is_not_blamed_for_a_slow_span(build: SimpleNamespace) -> None:
    heavy, light = build.media("/m/heavy.mp4"), build.media("/m/light.mp4", width=2048, height=1152, bits_per_second=1_000_000)
    uses = [build.use(build.target(heavy.path), 0, 50), build.use(build.target(light.path), 0, 50, track=1)]
    survey, spans = build.survey(uses)
    costs = cost.predict(survey, spans, {i.path: i for i in (heavy, light)}, build.machine())
    findings = [build.finding(i) for i in (heavy, light)]
    analysis = suggestions.analyze(survey, costs, machine=build.machine(), findings=findings)
    plan = make(build, [], [heavy, light], surveys=[survey], analyses=[analysis])
    assert [d.action for d in plan.decisions] == [Action.MAKE, Action.SKIP]


def test_nothing_is_scaled_up(build: SimpleNamespace) -> None:
    info = build.media(width=1280, height=720, bits_per_second=1_000_000)
    for policy in (Policy(), Policy(force=True)):
        assert all(
            p.width <= 1280
            for d in make(build, [build.use(build.target(), 0, 9)], [info], policy=policy).decisions
            for p in d.products
        )
    decision = only(make(build, [build.use(build.target(), 0, 9)], [info]))
    assert decision.action is Action.SKIP
    assert "nothing is scaled up" in decision.reason


def test_a_slow_codec_is_worth_a_proxy_of_its_own_size(build: SimpleNamespace) -> None:
    info = build.media(codec="hevc", width=1920, height=1080)
    survey, spans = build.survey([build.use(build.target(), 0, 50)])
    costs = cost.predict(survey, spans, {info.path: info}, build.machine())
    analysis = suggestions.analyze(survey, costs, machine=build.machine(), findings=[build.finding(info)])
    decision = only(make(build, [], [info], surveys=[survey], analyses=[analysis]))
    assert decision.action is Action.MAKE
    assert "of full size decodes" in decision.reason
    assert "× as fast" in decision.reason
    assert (decision.products[0].width, decision.products[0].height) == (1920, 1080)


def test_what_needs_no_proxy_says_why(build: SimpleNamespace) -> None:
    targets = {
        "sound": build.media("/m/sound.wav", kind=MediaKind.AUDIO),
        "still": build.media("/m/still.png", kind=MediaKind.STILL),
    }
    uses = [build.use(build.target(i.path), 0, 5) for i in targets.values()]
    uses.append(build.use(build.target("bars", TargetKind.GENERATOR, generator="bars"), 5, 9))
    uses.append(build.use(build.target("", TargetKind.MISSING, reason="no media reference"), 9, 12))
    uses.append(build.use(build.target("http://x/y.mp4", TargetKind.REFUSED, reason="not a local file"), 12, 15))
    uses.append(build.use(build.target("/m/gone.mp4"), 15, 18))
    uses.append(build.use(build.target("/m/bad.mp4"), 18, 20))
    uses.append(build.use(build.target("/m/talk.mp4"), 0, 5, kind=TrackKind.AUDIO))
    media = {i.path: build.finding(i) for i in (*targets.values(), build.media("/m/talk.mp4"))}
    media["/m/gone.mp4"] = build.finding(None, "/m/gone.mp4", "offline", "the file is not there")
    media["/m/bad.mp4"] = build.finding(None, "/m/bad.mp4", "refused", "is empty (0 bytes)")
    plan = make(build, uses, [], media=media)
    said = [(d.action, d.reason) for d in plan.decisions]
    assert said == [
        (Action.SKIP, "sound only: left alone"),
        (Action.SKIP, "a still: it is decoded once"),
        (Action.SKIP, "bars: made by the host, there is no file"),
        (Action.OFFLINE, "no media reference"),
        (Action.REFUSE, "not a local file"),
        (Action.OFFLINE, "the file is not there"),
        (Action.REFUSE, "is empty (0 bytes)"),
        (Action.SKIP, "only its sound is used"),
    ]


def test_transparency_is_kept(build: SimpleNamespace) -> None:
    info = build.media(has_alpha=True, pixel_format="yuva444p10le")
    uses = [build.use(build.target(), 0, 9)]
    kept = only(make(build, uses, [info]))
    assert kept.action is Action.MAKE
    assert kept.products[0].recipe.codec is Codec.PRORES_4444
    assert "ProRes 4444" in kept.reason


# -- ranges ------------------------------------------------------------------------------------------------------------

USED = ProxyRecipe(rung="1080p", scope=Scope.USED, handles=10)


def parts(decision: Decision) -> list[tuple[int, int]]:
    return [(p.source_range.start, p.source_range.stop) for p in decision.products]


def test_used_ranges_of_all_timelines_are_joined(build: SimpleNamespace) -> None:
    a = build.target()
    one, _ = build.survey([build.use(a, 0, 20, source=(100, 120)), build.use(a, 20, 40, source=(700, 720))])
    two, _ = build.survey([build.use(a, 0, 20, source=(150, 170))])
    decision = only(make(build, [], [build.media()], surveys=[one, two], recipes=[USED]))
    assert parts(decision) == [(90, 180), (690, 730)]
    apart = only(make(build, [], [build.media()], surveys=[one, two], recipes=[USED], policy=Policy(join_gap_seconds=0)))
    assert parts(apart) == [(90, 130), (140, 180), (690, 730)]
    assert decision.predicted_seconds < only(make(build, [], [build.media()], surveys=[one])).predicted_seconds / 5


def test_handles_stop_at_the_ends_of_the_file(build: SimpleNamespace) -> None:
    uses = [build.use(build.target(), 0, 20, source=(0, 20)), build.use(build.target(), 20, 40, source=(980, 1000))]
    assert parts(only(make(build, uses, [build.media()], recipes=[USED]))) == [(0, 30), (970, 1000)]


@pytest.mark.parametrize(
    ("available_start", "source_rate", "source", "timecode", "expected"),
    [
        (90000, Fraction(25), (90100, 90120), None, (90, 130)),  # the reference says what its first frame is called
        (None, Fraction(25), (90100, 90120), "01:00:00:00", (90, 130)),  # the file says it
        (None, Fraction(25), (100, 120), None, (90, 130)),  # nobody says it: the first frame is 0
        (0, Fraction(24), (96, 120), None, (90, 135)),  # other rate: frames 100–125 of the file
        (0, Fraction(48000), (192000, 230400), None, (90, 130)),  # sound counts samples: 4.0–4.8 s
    ],
)
def test_uses_are_counted_in_the_files_own_frames(
    build: SimpleNamespace,
    available_start: int | None,
    source_rate: Fraction,
    source: tuple[int, int],
    timecode: Any,
    expected: Any,
) -> None:
    use = build.use(build.target(), 0, 20, source=source, source_rate=source_rate, available_start=available_start)
    decision = only(make(build, [use], [build.media(start_timecode=timecode)], recipes=[USED]))
    assert parts(decision) == [expected]


def test_a_sequence_begins_with_its_first_number(build: SimpleNamespace) -> None:
    numbers = Sequence(directory="/m", prefix="s.", suffix=".exr", padding=4, first=1001, last=2000)
    info = build.media("/m/s.1001.exr", kind=MediaKind.SEQUENCE, sequence=numbers)
    use = build.use(build.target("/m/s.1001.exr"), 0, 20, source=(1101, 1121), available_start=None)
    assert parts(only(make(build, [use], [info], recipes=[USED]))) == [(90, 130)]


def test_a_use_outside_the_file_is_named(build: SimpleNamespace) -> None:
    inside, outside = build.use(build.target(), 0, 20, source=(0, 20)), build.use(build.target(), 20, 40, source=(5000, 5020))
    decision = only(make(build, [inside, outside], [build.media()], recipes=[USED]))
    assert decision.action is Action.MAKE
    assert "'clip at 20' asks for frames 5000–5019, the file has 1000" in decision.reason
    alone = only(make(build, [outside], [build.media()], recipes=[USED]))
    assert alone.action is Action.REFUSE


def test_variable_rates_become_the_timelines(build: SimpleNamespace) -> None:
    info = build.media(is_vfr=True, frame_rate=Fraction(2997, 100), frame_count=1199)
    decision = only(make(build, [build.use(build.target(), 0, 50)], [info]))
    assert decision.products[0].source_range == FrameRange(0, 1000, Fraction(25))
    assert "variable frame rate becomes 25 fps" in decision.reason
    (task,) = planner.tasks(Plan(decisions=(decision,)), "/w")
    assert task.constant_rate == 25


# -- products and tasks ------------------------------------------------------------------------------------------------


def test_the_key_is_all_that_shapes_the_bytes_and_nothing_else(build: SimpleNamespace) -> None:
    part = FrameRange(0, 100, Fraction(25))
    key = planner.product_key("print", HD, part, None)
    assert planner.product_key("print", replace(HD, scope=Scope.USED, handles=50), part, None) == key
    others = [
        planner.product_key("other", HD, part, None),
        planner.product_key("print", replace(HD, quality=61), part, None),
        planner.product_key("print", replace(HD, codec=Codec.HEVC), part, None),
        planner.product_key("print", HD, part.shifted(1), None),
        planner.product_key("print", HD, part, Fraction(25)),
        planner.product_key("print", HD, FrameRange(0, 100, Fraction(24)), None),
        planner.product_key("print", replace(HD, lut=Lut(path="a.cube", digest="1")), part, None),
        planner.product_key("print", replace(HD, lut=Lut(path="a.cube", digest="2")), part, None),
        planner.product_key("print", replace(HD, burn_in=(BurnIn.NAME,)), part, None),
        planner.product_key("print", replace(HD, burn_in=(BurnIn.NAME,)), part, None, ["A001.mov"]),
        planner.product_key("print", replace(HD, burn_in=(BurnIn.NAME, BurnIn.FRAME)), part, None, ["A001.mov"]),
    ]
    assert len({key, *others}) == 12
    moved = replace(HD, lut=Lut(path="/luts/b.cube", digest="1"))
    assert planner.product_key("print", moved, part, None) == others[6]


def test_more_than_the_source_shows_is_wanted_of_all_media_and_adopted_from_nobody(build: SimpleNamespace) -> None:
    light = build.media(width=2048, height=1152)
    look = replace(HD, lut=Lut(path="/luts/film.cube", digest="1"), burn_in=(BurnIn.TIMECODE, BurnIn.NAME))
    uses = [build.use(build.target(), 0, 50)]
    assert only(make(build, uses, [light])).action is Action.SKIP
    plan = make(build, uses, [light], recipes=[look])
    decision = only(plan)
    assert decision.action is Action.MAKE
    assert decision.reason.endswith("with LUT film.cube, timecode and name burnt in")
    tiny = only(make(build, uses, [build.media(width=640, height=360)], recipes=[look]))
    assert (tiny.products[0].width, tiny.products[0].height) == (640, 360)  # nothing is scaled up
    plain = only(make(build, uses, [light], recipes=[HD], policy=Policy(force=True)))
    store: dict[str, Product] = {p.key: build.made(p) for p in plain.products}
    assert only(make(build, uses, [light], recipes=[look], existing=store.get)).action is Action.MAKE
    made = {p.key: build.made(p) for p in decision.products}
    again = only(make(build, uses, [light], recipes=[look], existing=made.get))
    assert again.action is Action.HAVE
    assert "LUT film.cube" in again.reason
    assert only(make(build, uses, [light], recipes=[HD], existing=made.get)).action is Action.SKIP


def test_what_is_there_is_not_made_again(build: SimpleNamespace) -> None:
    uses, recipes = [build.use(build.target(), 0, 50)], [HD, ProxyRecipe(rung="720p")]
    first = only(make(build, uses, [build.media()], recipes=recipes))
    store: dict[str, Product] = {p.key: build.made(p) for p in first.products}
    again = only(make(build, uses, [build.media()], recipes=recipes, existing=store.get))
    assert again.action is Action.HAVE
    assert again.predicted_seconds == 0
    assert planner.tasks(Plan(decisions=(again,)), "/w") == ()
    del store[first.products[1].key]
    partly = only(make(build, uses, [build.media()], recipes=recipes, existing=store.get))
    assert partly.action is Action.MAKE
    (task,) = planner.tasks(Plan(decisions=(partly,)), "/w")
    assert [p.recipe.rung for p in task.products] == ["720p"]
    assert 0 < partly.predicted_seconds < first.predicted_seconds


def test_a_proxy_that_helps_stays_when_the_machine_is_measured_anew(build: SimpleNamespace) -> None:
    """A full-size proxy of HEVC is made where that stutters; where it just plays, the proxy is still the lighter one."""
    info = build.media(codec="hevc", width=1920, height=1080)
    survey, spans = build.survey([build.use(build.target(), 0, 50)])

    def planned(scale: float, **changes: Any) -> Decision:
        slow = build.machine()
        faster = {
            k: replace(c, per_megabit=c.per_megabit * scale, per_megapixel=c.per_megapixel * scale) if k == "hevc" else c
            for k, c in slow.decode.items()
        }
        machine = replace(slow, decode=faster)
        costs = cost.predict(survey, spans, {info.path: info}, machine)
        analysis = suggestions.analyze(survey, costs, machine=machine, findings=[build.finding(info)])
        return only(make(build, [], [info], surveys=[survey], analyses=[analysis], machine=machine, **changes))

    first = planned(1.0)
    assert first.action is Action.MAKE
    store = {p.key: build.made(p) for p in first.products}
    assert planned(0.4).action is Action.SKIP  # it plays now: none would be made
    kept = planned(0.4, existing=store.get)
    assert kept.action is Action.HAVE
    assert kept.reason == "a valid proxy is there"
    assert [p.path for p in kept.products] == [p.path for p in first.products]
    assert planned(0.01, existing=store.get).action is Action.SKIP  # the source is lighter by now


def test_a_smaller_proxy_stays_with_the_rungs_that_are_needed(build: SimpleNamespace) -> None:
    uses, recipes = [build.use(build.target(), 0, 50)], [ProxyRecipe(rung="1080p"), ProxyRecipe(rung="720p")]
    info = build.media(width=2048, height=1152, bits_per_second=10_000_000)
    forced = only(make(build, uses, [info], recipes=recipes, policy=Policy(force=True)))
    store = {p.key: build.made(p) for p in forced.products}
    fresh = only(make(build, uses, [info], recipes=recipes))
    assert [p.recipe.rung for p in fresh.products] == ["720p"]  # 1.6 times larger; 1080p is too near
    both = only(make(build, uses, [info], recipes=recipes, existing=store.get))
    assert both.action is Action.HAVE
    assert {p.recipe.rung for p in both.products} == {"1080p", "720p"}


@pytest.mark.parametrize(
    ("bits", "force", "said"),
    [
        (100_000_000, False, "needs 1.1 × the time it has in the timeline; a 1080p proxy would be no smaller, and only 1.4"),
        (1_000_000, False, "plays as it is: 1080p H.264 long GOP, not larger than 1080p, and nothing is scaled up"),
        (1_000_000, True, "1080p H.264 long GOP; a 1080p proxy would be no smaller, and no faster to decode"),
    ],
)
def test_why_there_is_no_proxy_of_the_sources_own_size(build: SimpleNamespace, bits: int, force: bool, said: str) -> None:
    info = build.media(width=1920, height=1080, bits_per_second=bits)
    machine = build.machine()
    machine = replace(machine, decode={**machine.decode, "h264:intra": replace(machine.decode["h264"], per_megabit=20.0)})
    survey, spans = build.survey([build.use(build.target(), 0, 50)])
    costs = cost.predict(survey, spans, {info.path: info}, machine)
    analysis = suggestions.analyze(survey, costs, machine=machine, findings=[build.finding(info)])
    policy = Policy(force=force)
    decision = only(make(build, [], [info], surveys=[survey], analyses=[analysis], machine=machine, policy=policy))
    assert decision.action is Action.SKIP
    assert said in decision.reason


def test_a_proxy_of_the_whole_medium_serves_for_its_parts(build: SimpleNamespace) -> None:
    uses = [build.use(build.target(), 0, 50, source=(400, 450))]
    whole = only(make(build, uses, [build.media()])).products[0]
    decision = only(make(build, uses, [build.media()], recipes=[USED], existing={whole.key: build.made(whole)}.get))
    assert decision.action is Action.HAVE
    assert decision.products[0].path == whole.path


def test_several_rungs_are_one_task(build: SimpleNamespace) -> None:
    plan = make(build, [build.use(build.target(), 0, 50)], [build.media()], recipes=[HD, ProxyRecipe(rung="720p")])
    (task,) = planner.tasks(plan, "/w", stall_seconds=5)
    assert [p.recipe.rung for p in task.products] == ["1080p", "720p"]
    assert task.constant_rate is None
    assert task.stall_seconds == 5


def test_a_cameras_proxy_is_adopted_if_its_size_fits(build: SimpleNamespace) -> None:
    uses = [build.use(build.target(), 0, 50)]
    product = build.made(only(make(build, uses, [build.media()])).products[0])
    camera = replace(product, path="/m/a.lrv", width=1280, height=720)
    adopted = only(make(build, uses, [build.media()], camera={"/m/a.mp4": camera}))
    assert adopted.action is Action.ADOPT
    assert adopted.products == (camera,)
    tiny = replace(camera, width=320, height=180)
    assert only(make(build, uses, [build.media()], camera={"/m/a.mp4": tiny})).action is Action.MAKE
    raw = {"/m/a.mp4": build.finding(None, "/m/a.mp4", "refused", "is RED R3D, which cannot be decoded here")}
    foreign = only(make(build, uses, [], media=raw, camera={"/m/a.mp4": camera}))
    assert foreign.action is Action.ADOPT
    assert "RED R3D" in foreign.reason


def test_media_without_a_timeline_are_planned_whole(build: SimpleNamespace) -> None:
    decision = only(make(build, [], [build.media()], targets=[build.target()], recipes=[USED]))
    assert parts(decision) == [(0, 1000)]


# -- policy ------------------------------------------------------------------------------------------------------------


def test_the_rung_follows_timeline_and_machine(build: SimpleNamespace) -> None:
    large, _ = build.survey([], canvas=(3840, 2160))
    small, _ = build.survey([], canvas=(1280, 720))
    assert choose_rung([large], build.machine())[0] == "1080p"
    assert choose_rung([small], build.machine())[0] == "720p"
    assert choose_rung([], build.machine()) == ("1080p", "the usual size; --proxy chooses others")  # no timeline is spoken of
    unsized, _ = build.survey([], canvas=None)
    assert choose_rung([unsized], build.machine())[1].startswith("the usual size")
    rung, why = choose_rung([large], build.machine(cores=2, memory_bytes=8 << 30))
    assert rung == "720p"
    assert "small" in why


def test_the_active_rung_follows_the_purpose() -> None:
    rungs = [ProxyRecipe(rung=r) for r in ("1080p", "720p", "360p")]
    factors = {"1080p": 0.9, "720p": 0.45, "360p": 0.2}
    active = {p: active_recipe(rungs, factors, Policy(purpose=p)).rung for p in Purpose}
    assert active == {Purpose.PLAYBACK: "1080p", Purpose.EDITING: "360p", Purpose.EFFECTS: "1080p"}
    assert active_recipe(rungs, dict.fromkeys(factors, 3.0) | {"360p": 2.0}, Policy()).rung == "360p"


def test_intra_media_of_the_right_size_are_left_alone(build: SimpleNamespace) -> None:
    info = build.media(codec="prores", width=1920, height=1080, gop=Gop(longest=1, mean=1, has_b_frames=False))
    assert only(make(build, [build.use(build.target(), 0, 5)], [info])).action is Action.SKIP
