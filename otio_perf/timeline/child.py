"""Runs in a process of its own: OpenTimelineIO and its adapters, which may crash, hang or print.

``python -P -m otio_perf.timeline.child REQUEST REPLY`` — both JSON files. The request names a source, a target and their
adapters; the reply says how it went. ``convert`` is the parent's side.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from fractions import Fraction
from pathlib import Path
from typing import Any

from otio_perf.errors import (
    DiskFullError,
    HostileTimelineError,
    MissingDependencyError,
    OtioPerfError,
    TaskCancelledError,
    UnreadableTimelineError,
    UnwritableTimelineError,
    by_name,
)

#: Formats whose adapter is a package of its own, and the extra that installs it.
OPTIONAL = {
    ".edl": "EDL",
    ".xml": "Final Cut Pro 7 XML",
    ".fcpxml": "Final Cut Pro X XML",
    ".aaf": "AAF",
}
INSTALL = 'pip install "otio-perf[formats]"'
#: What is tried for an EDL, which has no rate of its own.
EDL_RATES = (Fraction(24), Fraction(25), Fraction(30), Fraction(30000, 1001))
_LEAST_MEMORY = 4 << 30
_MEMORY_PER_BYTE = 64  # OpenTimelineIO takes 8 times the JSON text, XML adapters more
_LOOK_SECONDS = 0.1  # how often a run asks whether it is still wanted
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_unwanted: ContextVar[Callable[[], bool]] = ContextVar("_unwanted", default=lambda: False)


@contextlib.contextmanager
def stopped_by(stop: Callable[[], bool]) -> Iterator[None]:
    """In this context, every run of an adapter is killed soon after ``stop()`` is true."""
    token = _unwanted.set(stop)
    try:
        yield
    finally:
        _unwanted.reset(token)


def raise_if_unwanted(shown: object) -> None:
    """:raises TaskCancelledError: ``stop()`` of ``stopped_by`` is true"""
    if _unwanted.get()():
        raise TaskCancelledError("interrupted", path=shown)


def convert(source: Path, target: Path, *, seconds: float, shown: object, **request: Any) -> dict[str, Any]:
    """Read ``source`` and write ``target`` in a child process; its reply.

    Further keys of the request: ``source_adapter``, ``target_adapter`` (names; absent: by suffix), ``rate``, ``foreign``
    (schemas to name if they are too new).

    :param shown: the path to name in errors.
    :raises HostileTimelineError: the child crashed, hung or ran out of memory.
    :raises TaskCancelledError: it was interrupted, see ``stopped_by``.
    :raises UnreadableTimelineError, UnwritableTimelineError, DiskFullError, UnsupportedSchemaError, MissingDependencyError:
        as the child says.
    """
    with tempfile.TemporaryDirectory(prefix="otio_perf-") as letters:
        asked, answered = Path(letters, "request.json"), Path(letters, "reply.json")
        size = source.stat().st_size if source.is_file() else 0
        limits = {"memory_bytes": _LEAST_MEMORY + _MEMORY_PER_BYTE * size, "cpu_seconds": int(seconds) + 1}
        asked.write_text(json.dumps({"source": str(source), "target": str(target), **limits, **request}))
        root = str(Path(__file__).parent.parent.parent)
        paths = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "otio_perf.timeline.child", str(asked), str(answered)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )
        code = _awaited(process, seconds, shown)
        if not answered.exists():
            if code == -signal.SIGINT or _unwanted.get()():
                raise TaskCancelledError("interrupted", path=shown)  # before the child could turn a deaf ear
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise HostileTimelineError(f"it crashes its adapter ({how})", path=shown)
        reply: dict[str, Any] = json.loads(answered.read_text())
    if "error" in reply:
        raise by_name(reply["error"])(reply["message"], path=shown, hint=reply.get("hint"))
    return reply


def _awaited(process: subprocess.Popen[bytes], seconds: float, shown: object) -> int:
    """Exit code of the child, which does not outlive this call. :raises HostileTimelineError, TaskCancelledError"""
    deadline = time.monotonic() + seconds
    with process:
        try:
            while True:
                try:
                    return process.wait(min(_LOOK_SECONDS, seconds))
                except subprocess.TimeoutExpired:
                    if _unwanted.get()():
                        raise TaskCancelledError("interrupted", path=shown) from None
                    if time.monotonic() > deadline:
                        raise HostileTimelineError(f"its adapter took more than {seconds:g} s", path=shown) from None
        except BaseException:
            process.kill()
            raise


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all its processes: the parent says what ends
    asked, answered = Path(sys.argv[1]), Path(sys.argv[2])
    request = json.loads(asked.read_text())
    _limit_resources(request["memory_bytes"], request["cpu_seconds"])
    logging.disable(logging.CRITICAL)
    # Nothing that a user's environment asks of OpenTimelineIO may change what is read: no linkers, no other versions.
    for name in ("OTIO_DEFAULT_MEDIA_LINKER", "OTIO_DEFAULT_TARGET_VERSION_FAMILY_LABEL"):
        os.environ.pop(name, None)
    deed = "read"
    try:
        found, reply = _read(request)
        deed = "written"
        _write(found, request)
    except MemoryError:
        reply = {"error": HostileTimelineError.__name__, "message": "it needs more memory than is allowed"}
    except RecursionError:
        reply = {"error": HostileTimelineError.__name__, "message": "nested too deep for its adapter"}
    except Exception as e:  # noqa: BLE001 — adapters raise anything, an AttributeError for a missing tag is usual
        reply = _failure(e, deed)
    partial = answered.with_suffix(".part")
    partial.write_text(json.dumps(reply))
    partial.replace(answered)


def _failure(error: Exception, deed: str) -> dict[str, Any]:
    name = type(error).__name__
    if isinstance(error, OtioPerfError):
        return {"error": name, "message": error.message, "hint": error.hint}
    if isinstance(error, OSError) and error.errno in _FULL and deed == "written":
        return {"error": DiskFullError.__name__, "message": "cannot be written: the disk is full"}
    text = " ".join(str(error).split()) or "no further word"
    text = re.sub(r"JSON parse error while reading: JSON parse error on input string: ", "not JSON: ", text)
    if "object_cycle" in name.lower() or "cycle" in text:
        return {"error": HostileTimelineError.__name__, "message": "an object refers to itself"}
    kind = UnreadableTimelineError if deed == "read" else UnwritableTimelineError
    return {"error": kind.__name__, "message": f"cannot be {deed} ({name}: {text[:300]})"}


def _read(request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The OTIO object in the source, and the reply."""
    import opentimelineio as otio

    _name_newer(request.get("foreign", ()), otio)
    source = request["source"]
    notices: list[str] = []
    rate: str | None = None
    adapter = request.get("source_adapter") or _adapter_for(source, otio, "read")
    if adapter == "otio_json":
        # not through the adapter layer: hooks of other programs have no say in how a timeline is spelled
        found = otio.core.deserialize_json_from_string(_text_of(Path(source)))
    elif adapter == "cmx_3600":
        found, notices, rate = _read_edl(source, request.get("rate"), otio)
    else:
        _refuse_entities(Path(source))
        found = _quietly(otio.adapters.read_from_file, source, adapter)
    if not isinstance(found, otio.core.SerializableObject):
        raise UnreadableTimelineError(f"holds no timeline but a {type(found).__name__}")
    return found, {"adapter": adapter, "rate": rate, "notices": notices}


def _write(found: Any, request: dict[str, Any]) -> None:
    import opentimelineio as otio

    target = request["target"]
    adapter = request.get("target_adapter") or _adapter_for(target, otio, "write")
    if adapter == "otio_json":
        Path(target).write_text(found.to_json_string(), encoding="utf-8")
        return
    if adapter == "cmx_3600":
        _record_at_start_time(found, otio)
    causes = _likely_causes(found, otio)  # before the adapter changes what it writes
    try:
        with contextlib.redirect_stdout(None):
            otio.adapters.write_to_file(found, target, adapter_name=adapter)
    except (OSError, MemoryError, RecursionError):
        raise
    except Exception as e:
        text = " ".join(str(e).split())[:200]
        name = OPTIONAL.get(Path(target).suffix.lower(), adapter)
        likely = f"; what it may not hold: {', '.join(causes)}" if causes else ""
        raise UnwritableTimelineError(
            f"cannot be written: the adapter for {name} cannot hold something in this timeline{likely} "
            f"({type(e).__name__}: {text})",
            hint="Write .otio, which holds everything, or leave tracks out (--video-only, --only-tracks-with-index)",
        ) from e


def _likely_causes(found: Any, otio: Any) -> list[str]:
    """What adapters are known to stumble over, each with the first clip that has it."""
    causes: dict[str, str] = {}
    rates = set()
    for clip in found.find_clips() if hasattr(found, "find_clips") else ():
        medium = clip.media_reference
        if isinstance(medium, otio.schema.ImageSequenceReference):
            causes.setdefault("image sequences", clip.name)
        elif isinstance(medium, otio.schema.GeneratorReference):
            causes.setdefault("generators", clip.name)
        elif medium is None or medium.is_missing_reference:
            causes.setdefault("clips without media", clip.name)
        elif medium.available_range is None:
            causes.setdefault("media of which no available range is known", clip.name)
        if clip.source_range:
            rates.add(clip.source_range.duration.rate)
    told = [f"{what} (clip {name!r})" for what, name in causes.items()]
    if len(rates) > 1:
        told.append(f"frame rates that differ ({', '.join(f'{r:.5g}' for r in sorted(rates))})")
    tracks = len(found.video_tracks()) if isinstance(found, otio.schema.Timeline) else 0
    return [*told, f"several video tracks ({tracks})"] if tracks > 1 else told


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as e:
        raise UnreadableTimelineError(f"byte {e.start} is not UTF-8") from e


def _quietly(read: Any, source: str, adapter: str, **options: Any) -> Any:
    import opentimelineio as otio

    with contextlib.redirect_stdout(None):
        return read(
            source, adapter_name=adapter, media_linker_name=otio.media_linker.MediaLinkingPolicy.DoNotLinkMedia, **options
        )


def _name_newer(foreign: list[str], otio: Any) -> None:
    """:raises UnsupportedSchemaError: schemas that OpenTimelineIO knows in an older version only."""
    from otio_perf.errors import UnsupportedSchemaError

    known = otio.core.type_version_map()
    newer = []
    for schema in foreign:
        name, _, version = schema.rpartition(".")
        if name in known and version.isdigit() and int(version) > known[name]:
            newer.append(f"{schema} (known here: {name}.{known[name]})")
    if newer:
        raise UnsupportedSchemaError(
            f"written by a newer OpenTimelineIO: {', '.join(newer)}",
            hint=f"Update OpenTimelineIO (this is {otio.__version__}), or downgrade the timeline with its otiotool",
        )


def _adapter_for(path: str, otio: Any, feature: str) -> str:
    """Name of the adapter that can "read" or "write" files of this suffix.

    :raises MissingDependencyError: it would be in the extra ``formats``.
    :raises UnreadableTimelineError: nobody can.
    """
    suffix = Path(path).suffix.lower()
    for adapter in otio.plugins.ActiveManifest().adapters:
        if suffix[1:] in [s.lower() for s in adapter.suffixes] and adapter.has_feature(feature):
            return str(adapter.name)
    if suffix in OPTIONAL:
        raise MissingDependencyError(f"no OpenTimelineIO adapter for {OPTIONAL[suffix]} is installed", hint=INSTALL)
    deed = {"read": "read", "write": "written"}[feature]
    what = suffix or "a file without suffix"
    raise UnreadableTimelineError(f"cannot be {deed}: no OpenTimelineIO adapter for {what} is installed")


def _read_edl(source: str, rate: str | None, otio: Any) -> tuple[Any, list[str], str]:
    """At the rate given, or at the first of ``EDL_RATES`` that fits; then once more without comparing durations."""
    rates = [Fraction(rate)] if rate else list(EDL_RATES)
    first_error: Exception | None = None
    for lenient in (False, True):
        for candidate in rates:
            try:
                found = _quietly(
                    otio.adapters.read_from_file, source, "cmx_3600", rate=float(candidate), ignore_timecode_mismatch=lenient
                )
            except Exception as e:  # noqa: BLE001 — the next rate may do; the first error is the one to tell
                first_error = first_error or e
                continue
            notices = [] if rate else [f"an EDL does not say its frame rate: read at {candidate}; give another with --rate"]
            if lenient:
                notices.append("source and record timecodes of the EDL disagree in length: the record side was taken")
            _start_at_record_time(found, otio)
            return found, notices, str(candidate)
    tried = ", ".join(str(r) for r in rates)
    hint = "Is it an EDL, and its rate that?" if rate else "Give its frame rate with --rate"
    text = " ".join(str(first_error).split())
    raise UnreadableTimelineError(f"the EDL cannot be read at {tried} frames per second ({text[:200]})", hint=hint)


def _start_at_record_time(timeline: Any, otio: Any) -> None:
    """The first record timecode as ``global_start_time``, and what begins later after a gap.

    The adapter leaves record times as tracks that start before their beginning, which nothing else understands.
    """
    begins = {i: -t.source_range.start_time if t.source_range else None for i, t in enumerate(timeline.tracks)}
    times = [time for time in begins.values() if time is not None]
    if not times:
        return  # all at 00:00:00:00
    zero = otio.opentime.RationalTime(0, times[0].rate)
    first = min(times) if len(times) == len(begins) else zero
    for i, track in enumerate(timeline.tracks):
        late = (begins[i] or zero) - first
        track.source_range = None
        if late > zero:
            track.insert(0, otio.schema.Gap(source_range=otio.opentime.TimeRange(zero, late)))
    if first > zero:
        timeline.global_start_time = first


def _record_at_start_time(timeline: Any, otio: Any) -> None:
    """The reverse of ``_start_at_record_time``, for an EDL that is written."""
    start = getattr(timeline, "global_start_time", None)
    for track in timeline.tracks if start else ():
        shown = track.trimmed_range()
        track.source_range = otio.opentime.TimeRange(shown.start_time - start, shown.duration)


def _refuse_entities(path: Path) -> None:
    """XML that declares entities can grow without bound; no editing program writes any."""
    if path.is_file():
        head = path.read_bytes()
        if b"<!ENTITY" in head or "<!ENTITY".encode("utf-16-le") in head or "<!ENTITY".encode("utf-16-be") in head:
            raise HostileTimelineError("it declares XML entities, which no editing program writes")


def _limit_resources(memory_bytes: int, cpu_seconds: int) -> None:
    """Where the system can (not on Windows, whose children are bound by time alone)."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, cpu_seconds), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            _, hard = resource.getrlimit(kind)
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main()
