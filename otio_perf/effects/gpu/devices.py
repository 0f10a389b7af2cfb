"""Which GPUs are here, asked of the drivers themselves: NVIDIA's "CUDA Driver API" and Khronos' "Vulkan 1.0", by ctypes.

Nothing is started on them, and Taichi is not loaded. A driver may crash or hang: ask in a process that may.
"""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_uint32, c_void_p
from typing import Any

from otio_perf.model.devices import GpuDevice

_NVIDIA_VENDOR = 0x10DE
_SOFTWARE = 4  # VK_PHYSICAL_DEVICE_TYPE_CPU
_NAME_BYTES = 256


def listed() -> list[GpuDevice]:
    """Those of the best interface first. A GPU of NVIDIA that speaks CUDA is not named once more for Vulkan."""
    if sys.platform == "darwin":
        return [GpuDevice(arch="metal", name="Apple")]
    by_cuda = cuda_devices()
    return [*by_cuda, *vulkan_devices(except_vendor=_NVIDIA_VENDOR if by_cuda else 0)]


def cuda_devices() -> list[GpuDevice]:
    """As many as ``CUDA_VISIBLE_DEVICES`` lets a process see."""
    try:
        cuda = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = c_int()
        if cuda.cuInit(0) or cuda.cuDeviceGetCount(byref(count)):
            return []
    except (OSError, AttributeError):
        return []
    seen = [word.strip() for word in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if word.strip()]
    found = []
    for number in range(count.value):
        name, device = ctypes.create_string_buffer(_NAME_BYTES), c_int()
        if cuda.cuDeviceGet(byref(device), number) or cuda.cuDeviceGetName(name, _NAME_BYTES, device):
            continue
        own = seen[number] if number < len(seen) else str(number)
        found.append(GpuDevice(arch="cuda", name=_text(name.value), environment={"CUDA_VISIBLE_DEVICES": own}))
    return found


def vulkan_devices(*, except_vendor: int = 0, software: bool = False) -> list[GpuDevice]:
    """:param software: also what draws on the processor, which is slower than our own engine there"""
    try:
        vulkan = ctypes.CDLL("vulkan-1.dll" if sys.platform == "win32" else "libvulkan.so.1")
        instance = _instance(vulkan)
    except (OSError, AttributeError):
        return []
    if not instance:
        return []
    try:
        found = []
        for number, properties in enumerate(_physical_devices(vulkan, instance)):
            if (properties.kind == _SOFTWARE) > software or properties.vendor == except_vendor:
                continue
            environment = {"TI_VISIBLE_DEVICE": str(number)}
            found.append(GpuDevice(arch="vulkan", name=_text(properties.name), environment=environment))
    finally:
        vulkan.vkDestroyInstance(instance, None)
    wanted = os.environ.get("TI_VISIBLE_DEVICE")
    return [device for device in found if wanted in (None, device.environment["TI_VISIBLE_DEVICE"])]


class _InstanceInfo(ctypes.Structure):
    """``VkInstanceCreateInfo``"""

    _fields_ = (
        ("type", c_int),
        ("next", c_void_p),
        ("flags", c_uint32),
        ("application", c_void_p),
        ("layer_count", c_uint32),
        ("layers", POINTER(c_char_p)),
        ("extension_count", c_uint32),
        ("extensions", POINTER(c_char_p)),
    )


class _Properties(ctypes.Structure):
    """The head of ``VkPhysicalDeviceProperties``, and more room than the rest of it takes (824 bytes in all)."""

    _fields_ = (
        ("api", c_uint32),
        ("driver", c_uint32),
        ("vendor", c_uint32),
        ("device", c_uint32),
        ("kind", c_uint32),
        ("name", ctypes.c_char * _NAME_BYTES),
        ("rest", ctypes.c_uint64 * 128),
    )


def _instance(vulkan: Any) -> c_void_p:
    instance = c_void_p()
    info = _InstanceInfo(type=1)  # VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO
    vulkan.vkCreateInstance.argtypes = [c_void_p, c_void_p, c_void_p]
    vulkan.vkDestroyInstance.argtypes = [c_void_p, c_void_p]
    vulkan.vkEnumeratePhysicalDevices.argtypes = [c_void_p, POINTER(c_uint32), c_void_p]
    vulkan.vkGetPhysicalDeviceProperties.argtypes = [c_void_p, c_void_p]
    return instance if vulkan.vkCreateInstance(byref(info), None, byref(instance)) == 0 else c_void_p()


def _physical_devices(vulkan: Any, instance: c_void_p) -> list[_Properties]:
    count = c_uint32()
    if vulkan.vkEnumeratePhysicalDevices(instance, byref(count), None):
        return []
    handles = (c_void_p * count.value)()
    if vulkan.vkEnumeratePhysicalDevices(instance, byref(count), handles) < 0:
        return []
    found = []
    for handle in handles[: count.value]:
        properties = _Properties()
        vulkan.vkGetPhysicalDeviceProperties(handle, byref(properties))
        found.append(properties)
    return found


def _text(name: bytes) -> str:
    return name.decode(errors="replace")
