"""What the service sees of the real Kdenlive: which project is open, and where its playhead was when it was saved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import colours
from desktop import Desktop, end, until
from editors import Kdenlive

from otio_perf.hosts.home import Home
from otio_perf.hosts.kdenlive.watching import OpenProjects, playhead_of


def test_an_open_project_is_seen(kdenlive: Callable[[Path], Kdenlive], edit: Path, desktop: Desktop) -> None:
    colours.make(edit.with_name("c.mp4"), frames=10)
    home = Home(folder=desktop.home, variables=desktop.environment, platform="linux")
    with closing(OpenProjects(home)) as projects:
        assert projects.look() == ()
        host = kdenlive(edit)
        until(lambda: projects.look() == (edit,), "the project")
        assert playhead_of(edit) == 10
        host.seek(40)
        assert playhead_of(edit) == 10
        host.call("addProjectClip", "s", str(edit.with_name("c.mp4")))
        until(lambda: host.is_modified, "a change")
        assert projects.look() == (edit,)
        host.save()
        assert playhead_of(edit) == 40
        end(host.process)
        assert projects.look() == ()
