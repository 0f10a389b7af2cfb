"""Options that several commands share, made from the settings table, so that flag, file and API say the same words."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from otio_perf import settings
from otio_perf.model.frames import FIDELITIES
from otio_perf.model.recipes import CANVAS, SIZES

#: Settings of everything that reads a timeline.
READING = ("media_root", "map", "rate", "max_timeline_bytes", "max_timeline_depth")
#: Settings of everything that makes proxies.
PROXIES = ("proxy", "codec", "quality", "scope", "handles", "lut", "burn_in", "purpose", "jobs", "stall_seconds")
#: Settings of everything that prerenders.
RENDERING = ("prerender_codec", "prerender_quality", "prerender_size", "colour", "gpu")


def add_command(among: argparse._SubParsersAction[Any], name: str, module: ModuleType) -> argparse.ArgumentParser:
    """A parser for the command of ``module``, whose text is its help: the first line in the list, all of it on its own page."""
    parser: argparse.ArgumentParser = among.add_parser(
        name,
        help=(module.__doc__ or "").partition("\n")[0],
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser


def add_settings(parser: argparse.ArgumentParser, *names: str, said: Mapping[str, str] | None = None) -> None:
    """Flags for these settings. They are checked by ``settings.load``, which also knows file and environment.

    :param said: help, by setting, where a command takes one for something else than most do.
    """
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
            help=(said or {}).get(name, row.help).replace("%", "%%"),
        )


def add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--use-proxies",
        metavar="RUNG",
        help="render from the proxies of this size that the timeline has; media without, from their originals (default: all "
        "from the originals)",
    )


def add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--size",
        default=CANVAS,
        metavar="SIZE",
        help=f"{CANVAS}, the timeline's own; {SIZES}; never larger (default: {CANVAS})",
    )


def add_fidelity(
    parser: argparse.ArgumentParser, *, exact: str, unknown: str = "", near: str = "allow what comes near"
) -> None:
    """:param exact, near, unknown: what becomes of effects that are not rendered as the host does, by what is allowed; without
    ``unknown`` there is no such choice."""
    said = f"exact (default): {exact}; approximate: {near}" + (f"; any: {unknown}" if unknown else "")
    choices = FIDELITIES if unknown else FIDELITIES[:2]
    parser.add_argument("--fidelity", choices=choices, default="exact", help=said)


def add_output(parser: argparse.ArgumentParser, *, json: str, html: bool = False, trace: bool = True) -> None:
    """``--json``, ``--html``, ``--trace``, ``--quiet``, ``--progress`` and ``--debug``. ``json`` says what the JSON holds."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="FILE|-", help=f"write {json} as JSON; - is standard output")
    if html:
        group.add_argument(
            "--html", metavar="FILE", help="write the analysis as one self-contained page, with a section for each timeline"
        )
    if trace:
        group.add_argument("--trace", metavar="FILE", help="write stage timings; ui.perfetto.dev opens them")
    group.add_argument("--quiet", action="store_true", help="no progress, no tables: errors only")
    group.add_argument(
        "--progress",
        choices=["text", "json"],
        default="text",
        help="json: what happens, an object a line on standard error, for scripts (default: text)",
    )
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")


def load(arguments: argparse.Namespace) -> settings.Settings:
    """The settings in force for a command line. :raises SettingsError"""
    flags: dict[str, Any] = {
        name.removeprefix("setting_"): value for name, value in vars(arguments).items() if name.startswith("setting_")
    }
    return settings.load(flags, file=Path(arguments.settings) if arguments.settings else None)
