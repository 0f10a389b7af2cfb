"""The scripts themselves: what they may be made of, and how they get into the menu."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from otio_perf_resolve import calls, commands, pool
from resolve_stub import VERSION, Stub, stub

from otio_perf.hosts import rooms
from otio_perf.hosts.home import Home
from otio_perf.hosts.parts import OwnFile
from otio_perf.hosts.resolve import findings, installations, menu
from otio_perf.model.hosts import Installation, Packaging

HOSTS = Path(__file__).resolve().parents[3] / "hosts" / "resolve"
FILES = sorted(HOSTS.rglob("*.py"))
#: Of the standard library, newer than Python 3.6.
NEWER = {"dataclasses", "importlib.resources", "importlib.metadata", "graphlib", "zoneinfo", "contextvars", "tomllib"}


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.name)
def test_scripts_are_python_3_6_with_nothing_but_its_library(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 6))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [] if node.level else [node.module or ""]
            assert node.module != "__future__"
        else:
            keywords = {k.arg for k in node.keywords} if isinstance(node, ast.Call) else set()
            assert not keywords & {"capture_output", "text", "missing_ok", "dirs_exist_ok"}, "newer than Python 3.6"
            assert not (isinstance(node, ast.JoinedStr) and "=}" in ast.unparse(node))
            continue
        for name in names:
            top = name.partition(".")[0]
            assert top in sys.stdlib_module_names or top in ("otio_perf_resolve", "DaVinciResolveScript"), name
            assert name not in NEWER, name


def test_every_method_that_is_called_is_in_the_api_and_answers_what_is_expected() -> None:
    known = stub()
    kinds: dict[str, set[str]] = {}
    for cls in ("Resolve", "ProjectManager", "Project", "MediaPool", "Folder", "MediaPoolItem", "Timeline", "TimelineItem"):
        for name, forms in known.methods[cls].items():
            kinds.setdefault(name, set()).update(*(kinds_of(known, form.returns) for form in forms))
    assert {name: kinds.get(name, set()) for name, kind in calls.ANSWERS.items() if kind not in kinds.get(name, ())} == {}


def kinds_of(known: Stub, returns: ast.expr | None) -> set[str]:
    if isinstance(returns, ast.BinOp):
        return kinds_of(known, returns.left) | kinds_of(known, returns.right)
    names = {bool: calls.YES, str: calls.TEXT, list: calls.LIST, dict: calls.TABLE, int: calls.NUMBER}
    return {names.get(type(known.failure(returns)), calls.OBJECT)}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("G:/Film/A 1.mov", "g:\\film\\a 1.MOV", True),
        ("G:\\Film\\..\\A.mov", "G:\\A.mov", True),
        ("\\\\nas\\Film\\A.mov", "//NAS/film/A.mov", True),
        ("G:\\Film\\A.mov", "H:\\Film\\A.mov", False),
        ("/film/A.mov", "/film/./A.mov", True),
        ("/film/A.mov", "/film/a.mov", False),
    ],
)
def test_two_spellings_of_a_path_are_one_file(one: str, other: str, is_same: bool) -> None:
    assert (pool.same_file(one) == pool.same_file(other)) is is_same


def test_the_page_for_editors_names_every_command_and_folder() -> None:
    page = (HOSTS.parents[1] / "docs" / "hosts" / "resolve.md").read_text(encoding="utf-8")
    for title in menu.MENU.values():
        assert f"| {title.replace('/', ' ▸ ')} |" in page
    assert "Signature-checked, not run in Resolve" in page
    assert VERSION in page
    assert all(word in page for word in commands.COMMANDS)


def test_titles_of_the_menu_are_those_of_the_reports() -> None:
    titles = {**{name: title for name, (title, _) in commands.COMMANDS.items()}, **commands.OTHERS}
    assert {name: title.rpartition("/")[2] for name, title in menu.MENU.items()} == titles


# -- installed ---------------------------------------------------------------------------------------------------------


def home_of(folder: Path, platform: str = "linux", **variables: str) -> Home:
    return Home(folder=folder / "home", variables=variables, platform=platform, root=folder / "root")


@pytest.mark.parametrize(
    ("platform", "program", "scripts"),
    [
        ("linux", "root/opt/resolve/bin/resolve", "home/.local/share/DaVinciResolve/Fusion"),
        (
            "darwin",
            "root/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Info.plist",
            "home/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion",
        ),
        (
            "win32",
            "root/Program Files/Blackmagic Design/DaVinci Resolve/Resolve.exe",
            "home/AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion",
        ),
    ],
)
def test_resolve_is_found_and_its_folder_for_scripts(platform: str, program: str, scripts: str, tmp_path: Path) -> None:
    home = home_of(tmp_path, platform)
    assert installations.installations(home) == ()
    file = tmp_path / program
    file.parent.mkdir(parents=True)
    file.write_text('<plist version="1.0"><dict><key>CFBundleShortVersionString</key><string>19.1.3</string></dict></plist>')
    (found,) = installations.installations(home)
    assert found.data_folder == str(tmp_path / scripts)
    assert found.version == ("19.1.3" if platform == "darwin" else None)
    assert found.program is not None
    assert file.is_relative_to(found.program)


def test_a_folder_of_resolve_without_its_program_is_an_installation(tmp_path: Path) -> None:
    (tmp_path / "home/.local/share/DaVinciResolve").mkdir(parents=True)
    (found,) = installations.installations(home_of(tmp_path))
    assert found.program is None
    (line,) = findings.findings(found, home_of(tmp_path, PATH=os.defpath))
    assert line.works == bool(line.found != "none")
    (line,) = findings.findings(found, home_of(tmp_path, PATH=str(tmp_path)))
    assert not line.works
    assert "python.org" in line.hint


def installed(folder: Path, command: str) -> dict[str, Path]:
    """Scripts of the menu by their command, after an installation."""
    home = home_of(folder)
    (home.folder / ".local/share/DaVinciResolve").mkdir(parents=True)
    rooms.install("resolve", None, command, home, folder / "record.json")
    scripts = home.folder / ".local/share/DaVinciResolve/Fusion/Scripts/Utility/otio_perf"
    return {name: scripts / f"{title}.py" for name, title in menu.MENU.items()}


def test_install_and_uninstall_leave_no_trace(tmp_path: Path) -> None:
    users = tmp_path / "home/.local/share/DaVinciResolve/Fusion/Scripts/Utility/Ann's own.py"
    program = tmp_path / "it's \N{SNOWMAN} here" / "otio-perf"
    program.parent.mkdir()
    program.touch(0o755)
    command = str(program)
    users.parent.mkdir(parents=True)
    users.write_text("# hers")
    home = home_of(tmp_path)
    before = sorted(home.folder.rglob("*"))
    for _ in range(2):
        rooms.install("resolve", None, command, home, tmp_path / "record.json")
    listed = {p.relative_to(users.parent).as_posix() for p in users.parent.rglob("*.py")} - {users.name}
    assert listed == {f"otio_perf/{title}.py" for title in menu.MENU.values()}
    for file in users.parent.joinpath("otio_perf").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="ascii"), feature_version=(3, 6))
        values = {ast.unparse(n.targets[0]): n.value for n in tree.body if isinstance(n, ast.Assign)}
        assert ast.literal_eval(values["COMMAND"]) == command
        assert (Path(ast.literal_eval(values["FOLDER"])) / "otio_perf_resolve" / "__init__.py").is_file()
    rooms.uninstall("resolve", None, home, tmp_path / "record.json")
    assert sorted(home.folder.rglob("*")) == before


def test_a_command_of_the_menu_runs_where_resolve_has_it(tmp_path: Path, installed_command: Path, at_home: Path) -> None:
    """In a process of its own, as Resolve starts it: with ``resolve``, without the path of the script. No project is open."""
    scripts = installed(tmp_path, str(installed_command))
    os.environ.pop("OTIO_PERF")
    library = Path(__file__).resolve().parents[2] / "library"
    program = f"""
import sys; sys.path.insert(0, {str(library)!r})
from resolve_world import World
world = World(); world.project = None
code = compile(open({str(scripts["link"])!r}).read(), "<string>", "exec")
exec(code, {{"resolve": world.resolve, "__name__": "__main__"}})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "open a project first" in done.stdout, done.stderr
    assert not list(tmp_path.rglob("__pycache__"))
    done = subprocess.run([sys.executable, scripts["dashboard"]], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "otio-perf serve" in done.stdout, done.stderr


def test_without_resolve_and_without_otio_perf_that_is_said(
    tmp_path: Path, at_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run([sys.executable, HOSTS / "otio_perf_resolve", "link"], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "DaVinci Resolve is not running" in done.stdout
    said: list[str] = []
    monkeypatch.setenv("OTIO_PERF", str(tmp_path / "gone"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commands.run("link", object(), "", said.append).entries == [("failed", "", said[0].removeprefix("failed: "))]
    assert "pip install otio-perf" in said[0]


def test_an_installation_knows_its_own_parts_only() -> None:
    nowhere = Installation(
        host="resolve", packaging=Packaging.SYSTEM, version=None, program=None, config_folder="/f", data_folder="/f"
    )
    parts: tuple[Any, ...] = menu.parts(nowhere, "/c")
    assert all(isinstance(part, OwnFile) and not part.is_executable for part in parts)
    assert len({part.path for part in parts}) == len(parts) == len(menu.MENU) + len(FILES) - 1
