"""Options that several commands share, made from the settings table, so that flag, file and API say the same words."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from otio_perf import settings
from otio_perf.errors import SettingsError

#: Settings of everything that reads a timeline.
READING = ("media_root", "map", "rate", "max_timeline_bytes", "max_timeline_depth")
#: Settings of everything that makes proxies.
PROXIES = ("proxy", "codec", "quality", "scope", "handles", "purpose", "jobs", "stall_seconds")


def add_settings(parser: argparse.ArgumentParser, *names: str) -> None:
    """Flags for these settings. They are checked by ``settings.load``, which also knows file and environment."""
    group = parser.add_argument_group("settings")
    group.add_argument("--settings", metavar="FILE", help="settings file (default: settings.yaml in the user's configuration)")
    for name in names:
        row = settings.BY_NAME[name]
        group.add_argument(
            row.flag,
            dest=f"setting_{name}",
            metavar=row.metavar,
            action="append" if row.many else "store",
            default=None,
            help=row.help.replace("%", "%%"),
        )


def add_output(parser: argparse.ArgumentParser, *, json: str, html: bool = False, trace: bool = True) -> None:
    """``--json``, ``--html``, ``--trace``, ``--quiet`` and ``--debug``. ``json`` says what the JSON holds."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="FILE|-", help=f"write {json} as JSON; - is standard output")
    if html:
        group.add_argument(
            "--html", metavar="FILE", help="write the analysis as one self-contained page, with a section for each timeline"
        )
    if trace:
        group.add_argument("--trace", metavar="FILE", help="write stage timings; ui.perfetto.dev opens them")
    group.add_argument("--quiet", action="store_true", help="no progress, no tables: errors only")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")


def load(arguments: argparse.Namespace) -> settings.Settings:
    """The settings in force for a command line. :raises SettingsError"""
    flags: dict[str, Any] = {
        name.removeprefix("setting_"): value for name, value in vars(arguments).items() if name.startswith("setting_")
    }
    return settings.load(flags, file=Path(arguments.settings) if arguments.settings else None)


def refuse_unusable_outputs(arguments: argparse.Namespace) -> None:
    """``--json -`` owns standard output, and no document is written over what the command reads or writes.

    :raises SettingsError: two documents, or a document and a timeline or medium, would be one file.
    """
    documents = [name for name in ("json", "html", "trace") if getattr(arguments, name, None)]
    if any(getattr(arguments, name) == "-" and name != "json" for name in documents):
        raise SettingsError("only --json can be written to standard output")
    taken = [getattr(arguments, name, None) for name in ("timeline", "timelines", "media", "input", "output")]
    names = [str(t) for t in taken if isinstance(t, str)] + [
        str(t) for several in taken if isinstance(several, list) for t in several
    ]
    for name in documents:
        target = getattr(arguments, name)
        if target != "-" and any(_same_file(target, other) for other in names):
            raise SettingsError(f"--{name} would overwrite it", path=target, hint="Name another file")
        names.append(target)


def _same_file(one: str, other: str) -> bool:
    try:
        return Path(one).resolve() == Path(other).resolve() or Path(one).samefile(other)
    except (OSError, RuntimeError):  # a link to itself
        return False
