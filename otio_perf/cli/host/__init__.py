"""Editing programs: find them, install into them, work with what they have open.

An editor installs once, then uses the menu commands of Kdenlive or DaVinci Resolve, and Shotcut finds its proxies by itself.
"""

from __future__ import annotations

import argparse
import importlib

from otio_perf.cli import options

#: Modules of this package, in the order in which ``--help`` lists them.
ACTIONS: tuple[str, ...] = ("list", "install", "uninstall", "doctor", "place", "apply")


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name in ACTIONS:
        module = importlib.import_module(f"otio_perf.cli.host.{name}")
        action = options.add_command(actions, name, module)
        action.set_defaults(act=module.run)
        module.configure(action)


def run(arguments: argparse.Namespace) -> int:
    code: int = arguments.act(arguments)
    return code
