"""``otio-perf`` as a user runs it, in a process of its own, without the half second that loading its modules takes each time.

A process that has loaded them, and has done nothing else, makes a child for each command (``fork``): environment, folder,
streams and exit are the child's own. Where that does not go, each command is started from nothing. What a start is, what
happens in the midst of one, and what Python takes apart after the last of ours has ended, is not to be tested with this.

    python tests/library/warm_commands.py SOCKET     serves until its standard input ends
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
CAN_FORK = sys.platform == "linux"  # macOS's own libraries do not outlive a fork


class Commands:
    """Runs commands; to be closed."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "warm")
        program = [sys.executable, str(Path(__file__).resolve()), self._address]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._server = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"warm\n"

    def close(self) -> None:
        self._server.communicate()

    def run(
        self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """:raises subprocess.TimeoutExpired: it was killed"""
        asked = json.dumps({"words": list(words), "env": dict(env), "cwd": str(cwd or Path.cwd())}).encode()
        pipes = [os.pipe(), os.pipe()]
        with socket.socket(socket.AF_UNIX) as line, open(os.devnull, "rb") as nothing:
            line.connect(self._address)
            socket.send_fds(line, [len(asked).to_bytes(4, "big")], [nothing.fileno(), *(write for _, write in pipes)])
            line.sendall(asked)
            for _, write in pipes:
                os.close(write)
            with line.makefile("r") as answers:
                pid = int(answers.readline())
                try:
                    out, err = _read([read for read, _ in pipes], timeout)
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(list(words), timeout) from None
                finally:
                    for read, _ in pipes:
                        os.close(read)
                code = int(answers.readline())
        return subprocess.CompletedProcess(["otio-perf", *words], code, out, err)


def _read(ends: Sequence[int], timeout: float) -> list[str]:
    """All that comes, as text. :raises TimeoutError"""
    found: dict[int, list[bytes]] = {end: [] for end in ends}
    until = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for end in ends:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                found[key.fd].append(data)
                if not data:
                    selector.unregister(key.fd)
    return [b"".join(found[end]).decode().replace("\r\n", "\n") for end in ends]


def _serve(address: str) -> None:
    _load()
    with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as selector:
        door.bind(address)
        door.listen()
        print("warm", flush=True)
        selector.register(door, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while not any(key.fileobj is sys.stdin for key, _ in selector.select()):
            line, _ = door.accept()
            if os.fork() == 0:
                selector.close()
                door.close()
                _keep(line)
            line.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _load() -> None:
    """All but what needs a GPU, is a program of its own, or is loaded by OpenTimelineIO."""
    import otio_perf

    left_out = ("effects.gpu", "web", "service", "plugins", "__main__")
    for found in pkgutil.walk_packages(otio_perf.__path__, "otio_perf."):
        if not found.name.removeprefix("otio_perf.").startswith(left_out):
            with suppress(Exception):  # the command that needs it will say so
                importlib.import_module(found.name)
    gc.collect()
    gc.freeze()  # or each child would go through all of it, and so copy it


def _keep(line: socket.socket) -> None:
    """Make the process of the command, tell its number, and in the end how it ended."""
    size, streams, _, _ = socket.recv_fds(line, 4, 3)
    asked = json.loads(line.makefile("rb").read(int.from_bytes(size, "big")))
    pid = os.fork()
    if pid == 0:
        line.close()
        _become(asked, streams)
    line.sendall(f"{pid}\n".encode())
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):  # it was not waited for
        line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(asked: Mapping[str, object], streams: Sequence[int]) -> NoReturn:
    """What the command raises goes out of all that was before it, to Python, which tells it."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["env"])  # type: ignore[call-overload]
    os.chdir(str(asked["cwd"]))
    sys.argv = ["otio-perf", *asked["words"]]  # type: ignore[misc]
    from otio_perf.cli import main

    try:
        code: object = main()
    except SystemExit as asked_to:
        code = asked_to.code
    _end(code)


def _end(code: object) -> NoReturn:
    """As Python does, but for taking all modules apart, which takes ten times as long as a short command."""
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except OSError:
        code = 120  # as Python says it
    os._exit(code or 0)


if __name__ == "__main__":
    _serve(sys.argv[1])
