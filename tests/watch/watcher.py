"""A program that watches a folder and prints how it stands, as lines of JSON: to be stopped and starved from outside."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from otio_perf.watch import folder as folder_module
from otio_perf.watch.events import FolderEvent, Gone, Noted, Settled, Turned
from otio_perf.watch.folder import FolderWatch


def main(root: str, seconds: float) -> None:
    folder_module._ROOT_SECONDS = 0.2
    settled: set[str] = set()
    gone: list[str] = []
    said: list[str] = []

    def hear(event: FolderEvent) -> None:
        match event:
            case Settled(seen=seen):
                settled.add(seen.path)
            case Gone(path=path):
                gone.append(path)
            case Turned(mode=mode, reason=reason):
                said.append(f"{mode}: {reason}")
            case Noted(text=text):
                said.append(text)

    with FolderWatch(Path(root), hear, settle_seconds=0.5, poll_seconds=0.5) as watch:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            state = watch.state()
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            line = {
                "mode": state.mode,
                "files": state.files,
                "settled": len(settled),
                "gone": len(gone),
                "said": said,
                "megabytes": memory // 1024,
                "is_ready": state.scanned_at is not None,
            }
            print(json.dumps(line), flush=True)
            time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
