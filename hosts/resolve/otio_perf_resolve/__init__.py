"""What DaVinci Resolve runs of otio_perf: its menu commands. Standard library only, Python 3.6 and newer.

Resolve is asked for the timeline, ``otio-perf`` does the work in a process of its own, Resolve is told what came of it. Nothing
here knows of media. Checked against the published signatures of Resolve's API, not run in Resolve.
"""
