"""What changes the pictures of a proxy that shows more than its source does: effects, for ``media.transcode``."""

from __future__ import annotations

from otio_perf.effects import lut_files
from otio_perf.effects.burn_in import Inscription
from otio_perf.effects.cpu.viewing import ViewingLut
from otio_perf.effects.pixels import Coding, coding_of
from otio_perf.errors import EffectError
from otio_perf.media.encode import Look
from otio_perf.media.painting import Paint
from otio_perf.media.planes import Plane, layout_of
from otio_perf.model.burn_in import all_words
from otio_perf.model.media import MediaInfo, VideoInfo
from otio_perf.model.plans import Product
from otio_perf.model.recipes import Lut


def paint_for(media: MediaInfo, product: Product, look: Look) -> Paint | None:
    """What is done to each picture of ``product`` when it has its size; ``None``: nothing.

    :raises EffectError: the LUT is not there any more, or another.
    :raises UnsupportedMediaError: a LUT, and colours that are coded in a way that is not known here.
    """
    video, recipe = media.picture, product.recipe
    if video is None or recipe.is_plain:
        return None
    layout = layout_of(look.pixel_format)
    assert layout is not None, look.pixel_format
    lut = _viewing(recipe.lut, coding_of(layout, look.colour, video.height, path=media.path), video) if recipe.lut else None
    inscription = Inscription(
        layout=layout,
        width=product.width,
        height=product.height,
        is_full_range=look.colour.range == "pc",
        turn=video.rotation,
        is_mirrored=video.is_mirrored,
        sample_aspect=look.sample_aspect,
        least_dot=2 if video.is_interlaced else 1,
    )
    rate = product.source_range.rate

    def paint(planes: list[Plane], number: int) -> None:
        if lut is not None:
            lut.apply(planes)
        inscription.draw(planes, all_words(recipe.burn_in, media, number, rate))

    return paint


def _viewing(lut: Lut, coding: Coding, video: VideoInfo) -> ViewingLut:
    if lut_files.digest(lut.path) != lut.digest:
        raise EffectError("the LUT has changed since the proxies were planned", path=lut.path, hint="Run it again")
    return ViewingLut(lut.path, coding, has_fields=video.is_interlaced)
