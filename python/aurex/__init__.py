"""Aurex: kernels written once in AX, compiled in process, called on NumPy arrays without a copy.

>>> import aurex, numpy as np
>>> mod = aurex.compile("kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }")
>>> mod.add(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
array([4., 6.])
"""

from __future__ import annotations

from aurex._core import Ceilings, Device, Kernel, devices, set_threads, threads
from aurex.errors import (
    ArgumentError, CompileError, DeviceMismatch, DeviceNotAvailable, DimensionMismatch, DTypeMismatch, Error,
    FormatError, IndexOutOfRange, InvalidConfig, IoError, KernelError, NotImplemented, OutOfMemory, QuantizationError,
    ShapeMismatch,
)
from aurex.module import Module, compile, load
from aurex.process import ceilings, device
from aurex.profile import Profile, profile

__version__ = "0.1.0"

__all__ = [
    "ArgumentError", "Ceilings", "CompileError", "DTypeMismatch", "Device", "DeviceMismatch", "DeviceNotAvailable", "DimensionMismatch",
    "Error", "FormatError", "IndexOutOfRange", "InvalidConfig", "IoError", "Kernel", "KernelError", "Module",
    "NotImplemented", "OutOfMemory", "Profile", "QuantizationError", "ShapeMismatch", "ceilings", "compile", "device",
    "devices", "load", "ops", "profile", "set_threads", "threads",
]


def __getattr__(name: str):
    """aurex.ops is loaded when it is first used, so that importing aurex stays quick."""
    if name == "ops":
        import importlib

        return importlib.import_module("aurex.ops")
    raise AttributeError(f"module 'aurex' has no attribute {name!r}")
