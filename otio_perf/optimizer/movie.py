"""What movie is asked for: found out before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from otio_perf.errors import SettingsError
from otio_perf.media.finished import key_in
from otio_perf.model.exports import ALPHAS, CODECS, CONTAINERS, NAMES, SOUNDS, Container
from otio_perf.model.frames import FIDELITIES
from otio_perf.model.recipes import CANVAS, ChunkCodec, PrerenderRecipe
from otio_perf.model.sound import Pitch
from otio_perf.optimizer.overwriting import is_input

#: The quality that prerenders have by themselves: so their pieces serve exports too.
USUAL_QUALITY = 80
#: Begins the key that movies carry: chunks, regions and proxies carry keys too, and are written over by no movie.
MOVIE = "movie-"

#: Other names of codecs.
_ALSO_CALLED = {"h265": "hevc", "x265": "hevc", "x264": "h264", "avc": "h264"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What movie is asked for."""

    recipe: PrerenderRecipe
    container: Container
    range: str | None
    fidelity: str
    allow_missing: bool
    audio: str  # a word of SOUNDS
    pitch: Pitch
    pass_through: bool
    use_proxies: str | None
    dry_run: bool


def asked(
    timeline: Path,
    output: Path,
    *,
    codec: str | None = None,
    quality: int = USUAL_QUALITY,
    size: str = CANVAS,
    alpha: str = "black",
    range: str | None = None,
    fidelity: str = "exact",
    allow_missing: bool = False,
    audio: str = "mix",
    pitch: str = Pitch.FOLLOW,
    pass_through: bool = True,
    use_proxies: str | None = None,
    dry_run: bool = False,
) -> Asked:
    """:raises SettingsError: no such movie can be made, or not be put there: found before any work"""
    container = CONTAINERS.get(output.suffix.lower())
    if container is None:
        words = ", ".join(CONTAINERS)
        raise SettingsError(f"is none of {words}", path=output, hint="The suffix of -o says what kind of movie is made")
    word = None if codec is None else codec.lower().replace("-", "_")
    for flag, given, choices in (
        ("--codec", word, CODECS),
        ("--alpha", alpha, ALPHAS),
        ("--fidelity", fidelity, FIDELITIES),
        ("--audio", audio, SOUNDS),
        ("--pitch", pitch, tuple(Pitch)),
    ):
        if given is not None and given not in choices:
            near = f"Did you mean {usual}?" if (usual := _near(given, tuple(choices))) else None
            raise SettingsError(f"{flag}: {given!r} is not one of {', '.join(choices)}", hint=near)
    keeps_alpha = alpha == "keep"
    chosen = (ChunkCodec.PRORES_4444 if keeps_alpha else container.usual) if word is None else CODECS[word]
    if chosen not in container.codecs:
        able = ", ".join(suffix for suffix, one in CONTAINERS.items() if chosen in one.codecs)
        raise SettingsError(
            f"{output.suffix} cannot hold {NAMES[chosen]}", path=output, hint=f"Write {able}, or take another --codec"
        )
    if keeps_alpha and not chosen.has_alpha:
        raise SettingsError(f"--alpha keep: {word} has no alpha", hint=f"Take --codec {NAMES[ChunkCodec.PRORES_4444]}")
    try:
        recipe = PrerenderRecipe(codec=chosen, quality=quality, size=size, keeps_alpha=keeps_alpha)
    except ValueError as e:
        raise SettingsError(str(e)) from e
    _refuse_unusable(timeline, output)
    return Asked(
        recipe=recipe,
        container=container,
        range=range,
        fidelity=fidelity,
        allow_missing=allow_missing,
        audio=audio,
        pitch=Pitch(pitch),
        pass_through=pass_through,
        use_proxies=use_proxies,
        dry_run=dry_run,
    )


def _near(given: str, choices: Sequence[str]) -> str | None:
    """What was meant; of a family by its name alone (``prores``) the usual one."""
    if given in _ALSO_CALLED:
        return _ALSO_CALLED[given]
    family = [choice for choice in choices if given and choice.startswith(given)]
    if ChunkCodec.PRORES_422 in family:
        return ChunkCodec.PRORES_422.value
    return next(iter(family or get_close_matches(given, choices, n=1)), None)


def _refuse_unusable(timeline: Path, output: Path) -> None:
    """:raises SettingsError: it is the timeline, there is no such folder, or something is there that we did not make"""
    other = "Name another file with -o"
    try:
        if is_input(output, [timeline]):
            raise SettingsError("is the input, or in it: it would be overwritten", path=output, hint=other)
        if not output.absolute().parent.is_dir():
            raise SettingsError("cannot be written: its folder is not there", path=output, hint="Make the folder")
        is_there = output.exists() or output.is_symlink()
    except OSError as e:  # no file system takes this name
        raise SettingsError(f"cannot be written: {e.strerror}", path=output, hint=other) from e
    if is_there and not (output.is_file() and (output.stat().st_size == 0 or (key_in(output) or "").startswith(MOVIE))):
        reason = "is there, and is no movie that was made by otio-perf: it would be overwritten"
        raise SettingsError(reason, path=output, hint=other)
