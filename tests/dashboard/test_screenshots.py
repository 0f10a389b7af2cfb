"""The pictures of the dashboard: ``pytest tests/dashboard --screenshots`` makes them anew, and nothing else does.

Paths of this machine are seen in them: ``--basetemp`` says where the film lies.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent.parent / "docs" / "dashboard"
MOST_BYTES = 120_000


def test_pictures_of_every_page(page_of: Callable[[Any], Any], serve: Callable[..., Any], wait: Callable[..., Any]) -> None:
    served = serve(prerender="auto")
    client, page = served.client, page_of(served)
    DOCS.mkdir(parents=True, exist_ok=True)

    def take(name: str, seconds: float = 0.8) -> None:
        time.sleep(seconds)
        (DOCS / f"{name}.png").write_bytes(small(page.driver.get_screenshot_as_png()))

    (timeline,) = client.timelines()
    wait(lambda: client.timeline(timeline.id).spans and client.queue().background.waiting, 40)
    page.enter()
    client.set_playhead(timeline.id, 640)
    client.pin(timeline.id, 780, 860)
    page.go("timeline")
    wait(lambda: any(job.done for job in client.queue().jobs), 60)
    wait(lambda: "24 fps" in page.text(".head"))
    take("timeline", 0.3)
    page.go("queue")
    take("queue", 0.5)
    page.go("proxies")
    thumbnails = "return [...document.querySelectorAll('.thumb img')].filter(image => image.naturalWidth).length"
    wait(lambda: page.run(thumbnails) == 4, 20)
    take("proxies", 0.1)
    wait(lambda: client.timelines()[0].state == "ready", 60)
    page.go("profile")
    take("profile", 1.5)
    page.go("cache")
    take("cache")
    client.set_settings({"use_proxies": "never", "prerender": "none"})
    wait(lambda: any(span.state == "needs_work" for span in client.timeline(timeline.id).spans))
    page.go("overview")
    wait(lambda: page.all(".suggestions li"))
    take("overview")
    page.go("optimize")
    page.button("Go on").click()
    take("optimize")
    client.set_settings({"preset": "balanced", "use_proxies": None, "prerender": None})
    page.go("settings")
    take("settings")


def small(png: bytes) -> bytes:
    """The same picture; where it is too large, in coarser colours."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    out = io.BytesIO()
    for step in (1, 2, 4, 8, 16):
        out = io.BytesIO()
        image.point([value // step * step for value in range(256)] * 3).save(out, "PNG", optimize=True)
        if out.tell() <= MOST_BYTES:
            break
    return out.getvalue()
