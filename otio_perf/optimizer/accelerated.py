"""Decoders and encoders of hardware beside a GPU that renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from otio_perf.media.chunks import hardware_codec
from otio_perf.media.hardware import best_encoder
from otio_perf.model.media import ColourTags, MediaInfo
from otio_perf.model.recipes import PrerenderRecipe
from otio_perf.optimizer.session import Session
from otio_perf.render.engines import FoundEngine


def accelerated(
    session: Session,
    engine: FoundEngine,
    recipe: PrerenderRecipe,
    colour: ColourTags,
    *,
    media: Mapping[str, MediaInfo] | None = None,
    encodes: bool = True,
) -> FoundEngine:
    """``engine`` with the hardware that passed its self-test, where it is a GPU. Its name tells of the encoder: keys do then,
    and nobody takes one's product for the other's.

    :param media: that may be decoded by hardware, which conceals damage without a word; ``None``: nothing may.
    :param encodes: whether an encoder may be taken. Its parameter sets have the number that cameras give theirs, so that its
        pictures cannot stand beside packets of a source.
    """
    if not engine.devices:
        return engine
    wanted = hardware_codec(recipe.codec, colour) if encodes else None
    sources = {video.codec for medium in (media or {}).values() for video in medium.video}
    codecs = sources | ({wanted} if wanted else set())
    working = session.hardware(codecs) if codecs else ()
    encoder = best_encoder(wanted, working) if wanted else None
    decoders = tuple(name for name in working if " on " in name and name.partition(" ")[0] in sources)
    said = [engine.why]
    said += [f"encoded by {encoder}"] if encoder else []
    said += [f"decoded by {', '.join(decoders)}"] if decoders else []
    return replace(
        engine,
        name=f"{engine.name} {encoder}" if encoder else engine.name,
        why="; ".join(said),
        decoders=decoders,
        encoder=encoder or "",
    )
