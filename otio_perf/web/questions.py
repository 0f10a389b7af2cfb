"""What requests say, and the short answers: names, types and limits. Unknown names are refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from otio_perf.model.views import Activity

_Word = Annotated[str, Field(max_length=100)]
_File = Annotated[str, Field(min_length=1, max_length=4096)]
_Frame = Annotated[int, Field(ge=-(1 << 53), le=1 << 53)]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class Path(_Question):
    path: _File


class Playhead(_Question):
    frame: _Frame


class Range(_Question):
    """Frames of the timeline; ``stop`` is not in it."""

    start: _Frame
    stop: _Frame


class Optimize(_Question):
    proxies: bool = True
    prerender: _Word = Field("auto", description="auto, all or none")


class Cancel(_Question):
    job: _Word | None = None
    task: _Word | None = None


class Prioritize(_Question):
    """``task``, or frames of ``timeline``."""

    task: _Word | None = None
    timeline: _Word | None = None
    start: _Frame | None = None
    stop: _Frame | None = None


class Doing(_Question):
    activity: Activity
    seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0


class Quality(_Question):
    quality: _Word = Field(description="automatic, full, half or quarter")


class Media(_Question):
    """By id, or by path."""

    ids: Annotated[list[_Word], Field(max_length=10_000)] = []
    paths: Annotated[list[_File], Field(max_length=10_000)] = []


class Forced(_Question):
    force: bool = Field(False, description="also what timelines play")


class Clear(_Question):
    kind: _Word = Field(description="proxies, renders, analysis or all")
    force: bool = Field(False, description="prerenders that timelines play, too")


class Verify(_Question):
    repair: bool = False


class Job(BaseModel):
    job: str


class Freed(BaseModel):
    size_bytes: int


class Link(BaseModel):
    path: str
