"""``python -m otio_perf``: the command line, where its script is not on the path."""

import sys

from otio_perf.cli import main

sys.exit(main())
