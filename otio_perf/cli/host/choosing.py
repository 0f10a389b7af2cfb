"""Which program is meant, and in which packaging: arguments that several actions share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from otio_perf.hosts import HOSTS
from otio_perf.model.hosts import Packaging


def add_host(parser: argparse.ArgumentParser, hosts: Iterable[str] = HOSTS, *, is_optional: bool = False) -> None:
    """:param hosts: those that can be named"""
    names = tuple(hosts)
    several = ", ".join(names)
    parser.add_argument(
        "host",
        metavar="HOST",
        choices=names,
        nargs="?" if is_optional else None,
        help=f"{several} (default: all)" if is_optional else several,
    )


def add_packaging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--packaging",
        choices=[one.value for one in Packaging],
        help="only the program that came to the machine in this way (default: all that are found)",
    )


def packaging(arguments: argparse.Namespace) -> Packaging | None:
    return None if arguments.packaging is None else Packaging(arguments.packaging)
