"""Every medium that a document names: of all references, active or not, and of disabled clips too."""

from __future__ import annotations

from collections.abc import Iterator

from otio_perf.model.uses import Target
from otio_perf.timeline.describe import described
from otio_perf.timeline.files import Document
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.references import DAMAGE
from otio_perf.timeline.tree import clips_of


def targets_of(document: Document, locator: Locator) -> Iterator[Target]:
    """What each media reference points to; a damaged one points nowhere."""
    locator = locator.based(document.base)
    for clip in clips_of(document.root):
        references = clip.get("media_references")
        for reference in references.values() if isinstance(references, dict) else ():
            if isinstance(reference, dict):
                try:
                    yield locator.target(described(document.shared.get(str(reference.get("id")), reference)))
                except DAMAGE:
                    continue
