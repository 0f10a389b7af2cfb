"""The house rules that a machine can hold: imports point down, each library has one home, no cycles, light import."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "otio_perf"

#: Floors of the house, lowest first. Rooms on one floor do not import each other.
FLOORS = [
    {"errors"},
    {"model"},
    {"timeline", "media", "effects", "cache", "metrics", "planning", "reports"},
    {"render"},
    {"tasks"},
    {"render_queue"},
    {"farm"},
    {"playback"},
    {"watch"},
    {"settings"},
    {"optimizer"},
    {"hosts"},
    {"service"},
    {"web", "plugins", "client"},
    {"cli"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

#: Foreign libraries and the only rooms (or files) that may import them.
WALLS = {
    "opentimelineio": {"timeline", "plugins"},
    "av": {"media"},
    "taichi": {"effects/gpu"},
    "numba": {"effects/cpu"},
    "cv2": {"effects/cpu"},
    "numpy": {"media", "effects", "cache", "render", "playback", "timeline"},
    "watchdog": {"watch"},
    "psutil": {"metrics"},
    "yaml": {"settings"},
    "sqlite3": {"cache", "render_queue"},
    "rich": {"cli"},
    "xxhash": {"media", "timeline"},
    "platformdirs": {"settings"},
    "fastapi": {"web"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "pydantic": {"web"},
    "pydantic_core": {"web"},
    "h11": {"web"},
    "prometheus_client": {"metrics"},
    "pynvml": {"metrics"},
    "jeepney": {"hosts"},
}


def room_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def nodes_of(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


@cache
def imports_of(file: Path) -> list[str]:
    """Every imported module, deferred and type-checking ones included."""
    found = []
    for node in nodes_of(file):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            assert node.module
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


ENTRANCES = {PACKAGE / "__init__.py", PACKAGE / "__main__.py"}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p not in ENTRANCES)


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down_and_respect_the_walls(file: Path) -> None:
    here = room_of(file)
    assert here in FLOOR_OF, f"{here} has no floor: give it one in FLOORS"
    for name in imports_of(file):
        top, *rest = name.split(".")
        if top == "otio_perf" and rest and rest[0] in FLOOR_OF and rest[0] != here:
            assert FLOOR_OF[rest[0]] < FLOOR_OF[here], f"{file}: {here} imports {rest[0]}, which is not below it"
        if top in WALLS:
            homes = {here, "/".join(file.relative_to(PACKAGE).parts[:2])}
            assert homes & WALLS[top], f"{file}: only {sorted(WALLS[top])} may import {top}"


def test_no_import_cycles() -> None:
    modules = {module_of(f): f for f in FILES}
    graph: dict[str, set[str]] = {}
    for module, file in modules.items():
        targets = set()
        for name in imports_of(file):
            candidate = name
            while candidate and candidate not in modules:
                candidate = candidate.rpartition(".")[0]
            if candidate and candidate != module and not module.startswith(candidate + "."):
                targets.add(candidate)
        graph[module] = targets
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for target in graph[module]:
                visit(target, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("module", ["otio_perf", "otio_perf.plugins", "otio_perf.errors", "otio_perf.model.wire"])
def test_import_is_light(module: str) -> None:
    heavy = ["av", "numpy", "numba", "cv2", "taichi", "opentimelineio", "yaml", "rich", "psutil", "sqlite3", "fastapi"]
    script = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert answer.stdout.strip() == "[]"


def test_only_safe_open_opens_media() -> None:
    """Nothing but ``media/safe_open.py`` calls ``av.open`` for reading: its checks cannot be bypassed."""
    offenders = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in FILES
        for node in nodes_of(file)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "av.open"
        and not any(
            ast.unparse(a) in ("'w'", '"w"') for a in [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "mode")]
        )
        and file.relative_to(PACKAGE).as_posix() != "media/safe_open.py"
    ]
    assert offenders == []


def test_children_do_not_import_from_the_folder_they_run_in() -> None:
    """``python -m`` looks there first: a ``json.py`` in a folder of media would be run."""
    commands = [
        (file, node.lineno, [ast.unparse(word) for word in node.elts])
        for file in FILES
        for node in nodes_of(file)
        if isinstance(node, ast.List)
    ]
    ours = [(file, line, words) for file, line, words in commands if "sys.executable" in words and "'-m'" in words]
    assert len(ours) >= 3
    assert [f"{file}:{line}" for file, line, words in ours if "'-P'" not in words] == []
