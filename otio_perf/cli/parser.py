"""The parser of the command line: what is wrong with the words is one line, with the word that was most likely meant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from otio_perf.cli import streams
from otio_perf.errors import SettingsError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class Parser(argparse.ArgumentParser):
    """Instead of usage and exit: an error, as from everything else."""

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """:raises OutputError: which argparse would keep to itself"""
        if file is None and sys.stdout is not None:
            streams.text(self.format_help())
        else:
            super().print_help(file)

    def error(self, message: str) -> NoReturn:
        """:raises SettingsError"""
        raise SettingsError(message.removeprefix("argument "), hint=f"See {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Of the parser of each command, which knows its own options. :raises SettingsError"""
        found, extra = super().parse_known_args(args, namespace)
        if extra:
            self._refuse(extra[0].partition("=")[0])
        return found, extra

    def _refuse(self, word: str) -> NoReturn:
        if not word.startswith("-"):
            raise SettingsError(f"{self.prog} takes no further words, and there is {word!r}", hint=f"See {self.prog} --help")
        hint = _meant(word.lstrip("-"), {name.lstrip("-"): name for name in self._option_string_actions})
        if any(isinstance(action, argparse._SubParsersAction) for action in self._actions):
            hint = f"Say it behind the command; see {self.prog} --help"
        hint = hint or f"See {self.prog} --help"
        raise SettingsError(f"{self.prog} has no option {word}", hint=hint)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """:raises SettingsError: it is none of the choices"""
        if action.choices is None or value in action.choices:
            return
        if isinstance(action, argparse._SubParsersAction):
            what = f"{value!r} is no {str(action.metavar).lower()} of {self.prog}"
            hint = _meant(value, _commands(action)) or f"There are: {', '.join(action.choices)}"
        else:
            name = "/".join(action.option_strings) or action.metavar or action.dest
            what = f"{name}: {value!r} is not one of {', '.join(map(str, action.choices))}"
            hint = _meant(str(value), {str(choice): str(choice) for choice in action.choices}) or f"See {self.prog} --help"
        raise SettingsError(what, hint=hint)


def _commands(among: argparse._SubParsersAction[Any]) -> dict[str, str]:
    """By the word that somebody may have said, the command: also those of commands that have some of their own."""
    found: dict[str, str] = {}
    for name, parser in among.choices.items():
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                found |= {own: f"{name} {own}" for own in action.choices if own not in found}
    return {**found, **{name: name for name in among.choices}}


def _meant(word: str, known: Mapping[str, str]) -> str:
    """A question; ``""``: nothing is like ``word``."""
    near = get_close_matches(word, list(known), n=1)
    return f"Did you mean {known[near[0]]}?" if near else ""
