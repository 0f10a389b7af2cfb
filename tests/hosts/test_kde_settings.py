"""Settings files of KDE are changed a line at a time, and what was put is taken away again byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from otio_perf.hosts import kde_settings

OURS = {
    "Ids": {"otio_perf_a": "Märchen: optimize", "otio_perf_b": "ends in a space "},
    "Binary": {"otio_perf_a": "/opt/with space/job.py", "otio_perf_b": "C:\\programs\\job.py"},
    "Other": {"plain": "1\n2\t3"},
}

#: Lines as KDE writes them, and as nobody should.
LINES = st.sampled_from(
    [
        b"[Ids]",
        b"[Output]",
        b"[Ids][$i]",
        b"[Binary]",
        b"  [Other]  ",
        b"[A][B]",
        b"",
        b" ",
        b"a=b",
        b"# a comment",
        b"k[$e]=$HOME",
        b"k[de]=y",
        b"word",
        b"[broken",
        b"=",
        b"custom=My Custom job",
        "ü=é".encode(),
        b"\xff\xfe=1",
        b"[]",
        b"x[$d]",
        b"a\rb=c",
    ]
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """With either line end, with and without one at the end, with a byte order mark or without."""
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    text = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + end.join(draw(st.lists(LINES, max_size=14)))
    return text + draw(st.sampled_from([b"", end, end + end]))


@given(files())
def test_what_was_put_is_there_and_is_taken_away_byte_for_byte(text: bytes) -> None:
    put = kde_settings.put(text, OURS)
    found = kde_settings.read(put.text)
    assert all(found[group][key] == value for group, keys in OURS.items() for key, value in keys.items())
    assert kde_settings.take(put.text, OURS, made_groups=set(put.made_groups)) == text


@given(files())
def test_the_second_time_changes_nothing(text: bytes) -> None:
    once = kde_settings.put(text, OURS)
    again = kde_settings.put(once.text, OURS)
    assert (again.text, again.made_groups, again.kept) == (once.text, (), {})


@given(files(), st.lists(st.sampled_from([b"a=b", b"# mine", b"", b"otio=1", b"word"]), max_size=6))
def test_what_somebody_adds_afterwards_stays_when_ours_goes(text: bytes, lines: list[bytes]) -> None:
    assume(not text or text.endswith(b"\n"))
    added = b"\n[User]\n" + b"\n".join(lines)
    put = kde_settings.put(text, OURS)
    assert kde_settings.take(put.text + added, OURS, made_groups=set(put.made_groups)) == text + added


def test_line_ends_comments_and_order_of_others_stay() -> None:
    text = b"# mine\r\n[Output]\r\nb=2\r\na=1\r\n\r\n[Ids]\r\ncustom=My Custom job\r\n"
    put = kde_settings.put(text, {"Ids": {"otio_perf_a": "A"}, "Output": {"otio_perf_a": "mkv"}})
    assert put.text == (
        b"# mine\r\n[Output]\r\nb=2\r\na=1\r\notio_perf_a=mkv\r\n\r\n[Ids]\r\ncustom=My Custom job\r\notio_perf_a=A\r\n"
    )


def test_what_a_user_changed_is_kept_and_told() -> None:
    text = b"[Ids]\notio_perf_a=My name for it\n"
    put = kde_settings.put(text, {"Ids": {"otio_perf_a": "A"}}, earlier={"Ids": {"otio_perf_a": "what we wrote"}})
    assert (put.text, put.kept) == (text, {"Ids": {"otio_perf_a": "My name for it"}})


def test_what_we_wrote_ourselves_is_brought_up_to_date_in_its_place() -> None:
    text = b"[Binary]\notio_perf_a=/old/job.py\nz=1\n"
    put = kde_settings.put(text, {"Binary": {"otio_perf_a": "/new/job.py"}}, earlier={"Binary": {"otio_perf_a": "/old/job.py"}})
    assert put.text == b"[Binary]\notio_perf_a=/new/job.py\nz=1\n"


def test_nothing_of_ours_is_left_in_what_kdenlive_wrote_anew() -> None:
    """As Kdenlive 26.08 leaves it when its dialog of jobs is closed: sorted, without comments, with groups of its own."""
    written = b"""[Binary]
custom2=/usr/bin/true
otio_perf_a=/old/job.py

[FolderName]
otio_perf_a=

[FolderUse]
otio_perf_a=rootfolder

[Ids]
custom2=My own
otio_perf_a=Optimize

[Param1Type]
otio_perf_a=file

[Parameters]
otio_perf_a=changed by user {source}
"""
    ours = {"Ids": {"otio_perf_a": "Optimize"}, "FolderUse": {"otio_perf_a": "nooutput"}, "Parameters": {"otio_perf_a": "x"}}
    left = kde_settings.take(written, ours, made_groups={"FolderUse", "Parameters"})
    assert left == b"[Binary]\ncustom2=/usr/bin/true\n\n[Ids]\ncustom2=My own\n"


def test_what_the_dialog_of_kdenlive_adds_to_our_jobs_goes_with_them() -> None:
    put = kde_settings.put(b"", {"Ids": {"otio_perf_a": "A"}})
    by_dialog = put.text + b"\n[Param1Type]\notio_perf_a=file\n\n[EnabledTypes]\nmine=v\notio_perf_a=v\n"
    left = kde_settings.take(by_dialog, {"Ids": {"otio_perf_a": "A"}}, made_groups=set(put.made_groups))
    assert left.strip() == b"[EnabledTypes]\nmine=v"


@pytest.mark.parametrize("text", ["[Ids]\na=ü\n".encode("utf-16"), b"[Ids]\n\0", b"[Ids]\na=b\r"])
def test_what_is_no_such_file_is_refused(text: bytes) -> None:
    with pytest.raises(kde_settings.NotSettingsError, match="not a settings file of KDE"):
        kde_settings.put(text, OURS)
