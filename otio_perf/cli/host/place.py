"""Put proxies where an editing program itself looks for them; no project is changed.

kdenlive   <hash>.mkv in the proxy folder of its cache (of each Kdenlive that is found), or in the folder that a project has
           for its files. Right-click a clip ▸ Proxy Clip then shows it at once; nothing is encoded
shotcut    <hash>.mp4 in its proxies folder, or in the one beside a project. With Settings ▸ Proxy ▸ Use Proxy it is shown
           when a project is opened

Proxies that are missing are made first, as 'proxy' and 'optimize' do. A second run does nothing. --remove takes them away
again, but for those that a project shows which otio-perf wrote. So does 'cache clear' of the workspace that they are of: the
.otio_perf beside the project that was named, else the one in the user's cache folder.
"""

from __future__ import annotations

import argparse

from otio_perf.cli import options
from otio_perf.cli.host import choosing
from otio_perf.hosts import PLACED


def configure(parser: argparse.ArgumentParser) -> None:
    choosing.add_host(parser, PLACED)
    parser.add_argument(
        "media", metavar="SOURCE", nargs="+", help="media files, folders of them, timelines, projects of the program"
    )
    parser.add_argument("--all", action="store_true", help="proxies of all media, needed or not")
    parser.add_argument("--remove", action="store_true", help="take away what was placed of these media")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    choosing.add_packaging(parser)
    names = (n for n in options.PROXIES if n not in ("scope", "handles"))
    options.add_settings(parser, "workspace", *names, *options.READING)
    options.add_output(parser, json="what was done")


def run(arguments: argparse.Namespace) -> int:
    from otio_perf import hosts
    from otio_perf.cli import beside_service, console
    from otio_perf.cli.host import placed
    from otio_perf.model.placing import Placing
    from otio_perf.reports.placing import placed_document

    with (
        console.job(arguments) as job,
        beside_service.yielding(job.settings, None, is_working=not arguments.dry_run),
    ):
        report = hosts.place(
            arguments.host,
            arguments.media,
            packaging=choosing.packaging(arguments),
            all=arguments.all,
            remove=arguments.remove,
            dry_run=arguments.dry_run,
            **job.options,
        )
    job.answer(
        table=lambda: placed.show_placed(report, dry_run=arguments.dry_run),
        document=lambda: placed_document(report),
    )
    failed = report.with_placing(Placing.FAILED)
    job.complain({one.source: one.reason for one in failed})
    if not failed:
        return 0
    return 4 if len(failed) < len(report.placed) else 5
