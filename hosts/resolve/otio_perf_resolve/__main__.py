"""From outside: ``python3 otio_perf_resolve link``, with the path of this folder."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from otio_perf_resolve.commands import main  # it is beside, which Python has to be told

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
