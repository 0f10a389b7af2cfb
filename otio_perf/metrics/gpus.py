"""NVIDIA's GPUs as their driver sees them, through NVML. Where there is none, that is said."""

from __future__ import annotations

from contextlib import suppress

import pynvml  # type: ignore[import-untyped]

from otio_perf.model.views import GpuView


class Gpus:
    """Asks the driver when first read; who found none does not ask again, for a driver does not come while a program runs."""

    def __init__(self) -> None:
        self._handles: list[object] | None = None
        self._reason = ""

    def read(self) -> tuple[tuple[GpuView, ...], str]:
        """Load and memory of each, of all programs together; and, where there is none, why."""
        if self._handles is None:
            self._handles = self._found()
        views = []
        for handle in self._handles:
            try:
                views.append(_view(handle))
            except pynvml.NVMLError as e:  # pulled out, reset, lost
                self._reason = f"a GPU does not answer: {e}"
        return tuple(views), "" if views else self._reason

    def _found(self) -> list[object]:
        try:
            pynvml.nvmlInit()
            handles = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError_LibraryNotFound:
            self._reason = "no NVIDIA driver here"
            return []
        except pynvml.NVMLError as e:
            self._reason = f"the NVIDIA driver does not answer: {e}"
            return []
        if not handles:
            self._reason = "the NVIDIA driver knows of no GPU"
        return handles


def _view(handle: object) -> GpuView:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    load: float | None = None
    with suppress(pynvml.NVMLError):  # a slice of a GPU (MIG) has memory of its own, and no figure for its load
        load = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    name = pynvml.nvmlDeviceGetName(handle)
    return GpuView(
        name=name.decode(errors="replace") if isinstance(name, bytes) else str(name),
        load=load,
        memory_used_bytes=int(memory.used),
        memory_total_bytes=int(memory.total),
    )
