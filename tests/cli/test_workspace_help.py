"""``--workspace`` is explained by what the command has: those without a timeline speak of none."""

from __future__ import annotations

import argparse

import pytest

from otio_perf.cli import analyze, cache, probe, proxy


def help_of(configure: object, *action: str) -> str:
    parser = argparse.ArgumentParser(prog="otio-perf")
    assert callable(configure)
    configure(parser)
    for name in action:
        (actions,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        parser = actions.choices[name]
    (option,) = (a for a in parser._actions if "--workspace" in a.option_strings)
    return option.help or ""


@pytest.mark.parametrize("said", [help_of(cache.configure, "status"), help_of(probe.configure), help_of(proxy.configure)])
def test_commands_without_a_timeline_speak_of_none(said: str) -> None:
    assert "timeline" not in said
    assert "(default: " in said


def test_commands_with_one_do() -> None:
    assert "beside the timeline" in help_of(analyze.configure)
