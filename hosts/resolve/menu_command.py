"""A command of otio_perf in DaVinci Resolve's menu (Workspace > Scripts). Installed by: otio-perf host install resolve"""

import sys

NAME = ""
FOLDER = ""
COMMAND = ""

sys.dont_write_bytecode = True  # what is uninstalled leaves nothing behind
if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)

from otio_perf_resolve import commands  # noqa: E402 - found by the line above


def running_resolve():
    """Resolve gives its scripts ``resolve``, or ``app`` or ``bmd`` that lead to it."""
    here = globals()
    if here.get("resolve") is not None:
        return here["resolve"]
    if here.get("app") is not None:
        return here["app"].GetResolve()
    if here.get("bmd") is not None:
        return here["bmd"].scriptapp("Resolve")
    return commands.outside()


commands.from_menu(NAME, None if NAME in commands.OTHERS else running_resolve(), COMMAND)
