"""Words that are none are named in one line, with the one that was most likely meant, and nothing else is shown."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from otio_perf.cli import COMMANDS
from otio_perf.cli.parser import Parser
from otio_perf.errors import SettingsError

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("optimise x.otio", "'optimise' is no command of otio-perf. Did you mean optimize?"),
        ("instal kdenlive", "'instal' is no command of otio-perf. Did you mean host install?"),
        ("xyzzy", f"'xyzzy' is no command of otio-perf. There are: {', '.join(COMMANDS)}"),
        ("host instal kdenlive", "'instal' is no action of otio-perf host. Did you mean install?"),
        ("cache statsu", "'statsu' is no action of otio-perf cache. Did you mean status?"),
        ("host install kdenlife", "HOST: 'kdenlife' is not one of kdenlive, shotcut, resolve. Did you mean kdenlive?"),
        ("optimize x --link proxi", "--link: 'proxi' is not one of proxy, original, none. Did you mean proxy?"),
        ("optimize x --prxy=720p", "otio-perf optimize has no option --prxy. Did you mean --proxy?"),
        ("serve --port 8", "otio-perf serve has no option --port. See otio-perf serve --help"),
        ("--quiet optimize x", "otio-perf has no option --quiet. Say it behind the command; see otio-perf --help"),
        ("restore a b -o c", "otio-perf restore takes no further words, and there is 'b'. See otio-perf restore --help"),
        ("optimize", "the following arguments are required: TIMELINE. See otio-perf optimize --help"),
        ("activity playing --seconds", "--seconds: expected one argument. See otio-perf activity --help"),
    ],
)
def test_one_line_that_names_the_word(words: str, said: str, run_command: Command, tmp_path: Path) -> None:
    done = run_command(words.split(), env={"HOME": str(tmp_path)}, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"otio-perf: {said}\n")


def test_what_is_right_is_taken_and_any_choice_counts() -> None:
    parser = Parser(prog="x")
    parser.add_argument("--n", type=int, choices=[1, 2])
    assert parser.parse_args(["--n", "2"]).n == 2
    with pytest.raises(SettingsError, match="--n: 3 is not one of 1, 2"):
        parser.parse_args(["--n", "3"])
