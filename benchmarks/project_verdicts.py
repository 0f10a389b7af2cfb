"""What otio_perf makes of each project of Kdenlive, Shotcut or MLT in a folder: what it reads, or why it does not.

Each is read by the real reader and looked at as ``otio-perf analyze`` would, but for its media, which are only looked for.

    python benchmarks/project_verdicts.py [FOLDER]            a table in Markdown (FOLDER: the shared test data)
    python benchmarks/project_verdicts.py --docs              the same, into docs/hosts/projects.md
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from otio_perf.effects.translate.dialects import is_of_pictures, translated
from otio_perf.errors import OtioPerfError
from otio_perf.model.frames import Fidelity
from otio_perf.model.uses import Survey, TargetKind
from otio_perf.optimizer.lost_files import middle
from otio_perf.timeline import files
from otio_perf.timeline.locate import Locator
from otio_perf.timeline.survey import survey

ROOT = Path(__file__).resolve().parent.parent
TESTDATA = ROOT.parent / "shared" / "testdata"
PAGE = ROOT / "docs" / "hosts" / "projects.md"

_HEAD = """# Projects that were read

What `otio_perf` makes of every project of Kdenlive, Shotcut and MLT in its test data (Kdenlive's own regression suite, projects
of users, MLT's examples): all are read, or refused with the reason. Few of their media are there: nobody passes them on.
Made by `python benchmarks/project_verdicts.py --docs`; a test keeps it so.

Effects: rendered as the host does / nearly / left to the host; of pictures, in the middle of a clip, where they do something.

"""
_COLUMNS = (
    "Project",
    "Written by",
    "Picture",
    "Length",
    "Tracks",
    "Clips",
    "Transitions",
    "Media (of these there)",
    "Effects",
    "Verdict",
)


def table(folder: Path) -> str:
    """Markdown; paths are relative to ``folder``."""
    projects = sorted(path for path in folder.rglob("*") if path.suffix in files.PROJECTS and path.is_file())
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(row(path, folder) for path in projects)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def row(path: Path, folder: Path) -> tuple[str, ...]:
    name = f"`{path.relative_to(folder).as_posix().removeprefix('timelines/')}`"
    begin = path.read_bytes()[: 1 << 20].decode(errors="replace")
    by = _written_by(begin)
    try:
        document = files.read(path)
        found = survey(document, Locator(path, base=document.base))
    except OtioPerfError as e:
        return (name, by, *("",) * 7, f"refused: {e.message}")
    size = f"{found.canvas[0]}×{found.canvas[1]}, " if found.canvas else ""
    problems = Counter(re.sub(r"['\"].*?['\"]|\d+", "…", problem.reason) for problem in found.problems)
    verdict = "read" + "".join(f"; {count} × {reason}" for reason, count in problems.most_common(2))
    return (
        name,
        by,
        f"{size}{float(found.frame_rate):.6g} fps",
        f"{float(len(found.duration) / found.frame_rate):.1f} s",
        str(len(found.layers)),
        str(len(found.uses)),
        str(len(found.transitions)),
        _media(found),
        _effects(found),
        verdict,
    )


def _written_by(text: str) -> str:
    version = re.search(r'docproperties\.version">([\d.]+)<', text)
    kdenlive = re.search(r'docproperties\.kdenliveversion">([^<]+)<', text)
    shotcut = re.search(r'title="(Shotcut[^"]*)"', text)
    mlt = re.search(r'<(?:mlt|westley)\b[^>]*?\bversion="([^"]+)"', text)
    if kdenlive:
        return f"Kdenlive {kdenlive[1]}" + (f" ({version[1]})" if version else "")
    return shotcut[1] if shotcut else f"MLT {mlt[1]}" if mlt else "MLT"


def _media(found: Survey) -> str:
    named = [target for target in found.targets if target.kind in (TargetKind.FILE, TargetKind.SEQUENCE)]
    there = sum(1 for target in named if target.path and Path(target.path).exists())
    made = sum(1 for target in found.targets if target.kind is TargetKind.GENERATOR)
    return f"{len(named)} ({there})" + (f", {made} generated" if made else "")


def _effects(found: Survey) -> str:
    counts = Counter(_fidelities(found))
    return " / ".join(str(counts[fidelity]) for fidelity in (Fidelity.EXACT, Fidelity.APPROXIMATE, Fidelity.UNKNOWN))


def _fidelities(found: Survey) -> Iterator[Fidelity]:
    canvas = found.canvas or (1920, 1080)
    for use in found.uses:
        for effect in use.effects:
            if is_of_pictures(effect):
                yield translated(effect, middle(use), canvas, found.frame_rate).fidelity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=TESTDATA)
    parser.add_argument("--docs", action="store_true", help="write it into docs/hosts/projects.md")
    arguments = parser.parse_args()
    text = table(arguments.folder)
    if arguments.docs:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(_HEAD + text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
