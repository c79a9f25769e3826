"""Results in the caller's kind of array: torch tensors in, torch tensors out, without importing torch for anyone."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from aurex import _core


def _namespace(caller: Any) -> Any:
    """The library that ``caller`` is an array of, as far as it can be told; it is loaded, or there were no caller."""
    if hasattr(caller, "__array_namespace__"):
        return caller.__array_namespace__()
    return sys.modules.get(type(caller).__module__.partition(".")[0])


class _Lent:
    """Lends the memory of an array whose dtype NumPy itself cannot lend: bfloat16 and the 8-bit floats."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __dlpack__(self, *, stream: Any = None, max_version: tuple[int, int] | None = None,
                   dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> Any:
        if stream is not None:
            raise ValueError("the memory is the CPU's, which has no streams")
        if copy or dl_device not in (None, self.__dlpack_device__()):
            raise BufferError("the memory is lent where it lies")
        return _core.dlpack_capsule(self._array, max_version is not None and max_version[0] >= 1)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def like(caller: Any, array: np.ndarray) -> Any:
    """``array`` as an array of the library of ``caller``, over the same memory; itself where that library cannot."""
    from_dlpack = getattr(_namespace(caller), "from_dlpack", None)
    if from_dlpack is None:
        return array
    return from_dlpack(array if array.dtype.isbuiltin == 1 else _Lent(array))
