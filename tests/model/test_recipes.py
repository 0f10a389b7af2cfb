"""Proxy recipes: sizes, names, digests."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_perf.model import wire
from otio_perf.model.recipes import BurnIn, Codec, Lut, ProxyRecipe, Scope

rungs = st.sampled_from(["480p", "720p", "1080p", "2160p", "half", "quarter", "1280x720", "640x640", "100x1000"])


@pytest.mark.parametrize(
    ("rung", "source", "size"),
    [
        ("1080p", (3840, 2160), (1920, 1080)),
        ("720p", (3840, 2160), (1280, 720)),
        ("1080p", (4096, 2160), (2048, 1080)),
        ("1080p", (1920, 1080), (1920, 1080)),
        ("1080p", (1280, 720), (1280, 720)),  # never upscaled
        ("1080p", (2160, 3840), (1080, 1920)),  # portrait without a rotation tag
        ("half", (3840, 2160), (1920, 1080)),
        ("quarter", (7680, 4320), (1920, 1080)),
        ("1280x720", (4096, 2160), (1280, 676)),  # a box to fit in: 675 is odd
        ("quarter", (321, 241), (80, 60)),
        ("2160p", (321, 241), (320, 240)),
        ("480p", (854, 480), (854, 480)),
        ("720p", (4000, 100), (4000, 100)),
    ],
)
def test_sizes(rung: str, source: tuple[int, int], size: tuple[int, int]) -> None:
    assert ProxyRecipe(rung=rung).size_for(*source) == size


def test_a_turned_picture_is_measured_upright() -> None:
    recipe = ProxyRecipe(rung="720x1280")
    assert recipe.size_for(3840, 2160, rotation=90) == (1280, 720)
    assert recipe.size_for(3840, 2160) == (720, 404)


def test_sample_aspect_counts_for_the_box_and_is_kept() -> None:
    # 1440x1080 with 4:3 pixels is shown as 1920x1080: half of the box in both directions, still with 4:3 pixels
    assert ProxyRecipe(rung="960x540").size_for(1440, 1080, sample_aspect=Fraction(4, 3)) == (720, 540)


@given(rungs, st.integers(2, 9000), st.integers(2, 9000), st.sampled_from((0, 90, 180, 270)))
def test_proxies_are_even_never_larger_and_keep_their_shape(rung: str, width: int, height: int, rotation: int) -> None:
    w, h = ProxyRecipe(rung=rung).size_for(width, height, rotation=rotation)
    assert w % 2 == h % 2 == 0
    assert 2 <= w <= width
    assert 2 <= h <= height
    # each side is within 1.5 pixels of one common scale, unless that would be less than the smallest size
    if w > 2 and h > 2:
        low, high = max((w - 1.5) / width, (h - 1.5) / height), min((w + 1.5) / width, (h + 1.5) / height)
        assert low <= high


@pytest.mark.parametrize(
    "bad",
    # and of no picture
    [
        "16385p",
        "99999x100",
        "",
        "1080",
        "1080P",
        "000p",
        "0100p",
        "00x00",
        "0x720",
        "x720",
        "1280x",
        "12x",
        "third",
        "720p\n",
        "٧٢٠p",
        "999999p",
    ],
)
def test_unknown_rungs_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="unknown proxy size"):
        ProxyRecipe(rung=bad)


def test_impossible_values_are_refused() -> None:
    for quality in (-1, 101):
        with pytest.raises(ValueError, match="quality"):
            ProxyRecipe(rung="720p", quality=quality)
    with pytest.raises(ValueError, match="handles"):
        ProxyRecipe(rung="720p", handles=-1)


def test_the_digest_tells_recipes_apart_and_equal_ones_not() -> None:
    base = ProxyRecipe(rung="1080p")
    others = [
        replace(base, rung="720p"),
        replace(base, codec=Codec.PRORES_PROXY),
        replace(base, quality=61),
        replace(base, scope=Scope.USED),
        replace(base, handles=0),
    ]
    assert len({base.digest, *(o.digest for o in others)}) == 6
    assert ProxyRecipe(rung="1080p").digest == base.digest


def test_reference_keys_are_ours() -> None:
    assert ProxyRecipe(rung="1080p").reference_key == "otio_perf:1080p"


def test_what_was_made_before_there_were_looks_is_still_what_is_asked_for() -> None:
    assert ProxyRecipe(rung="720p").digest == "862e5f735e76ed21"
    assert ProxyRecipe(rung="half", codec=Codec.HEVC, quality=80, scope=Scope.USED).digest == "e89bff747fae727e"


def test_a_lut_is_known_by_its_content_and_words_by_what_they_are() -> None:
    plain = ProxyRecipe(rung="720p")
    here, there = (replace(plain, lut=Lut(path=path, digest="1")) for path in ("a.cube", "/luts/b.cube"))
    assert here.digest == there.digest
    one, other = ((BurnIn.NAME, BurnIn.FRAME), (BurnIn.FRAME, BurnIn.NAME))
    assert replace(plain, burn_in=one).digest == replace(plain, burn_in=other).digest
    looks = [plain, here, replace(plain, lut=Lut(path="a.cube", digest="2")), replace(plain, burn_in=one)]
    assert len({look.digest for look in looks}) == 4
    assert [look.is_plain for look in looks] == [True, False, False, False]


@pytest.mark.parametrize("recipe", [ProxyRecipe(rung="720p", lut=Lut(path="a", digest="b"), burn_in=(BurnIn.NAME,))])
def test_looks_cross_the_wire(recipe: ProxyRecipe) -> None:
    assert wire.loads(ProxyRecipe, wire.dumps(recipe)) == recipe
