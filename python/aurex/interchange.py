"""Results in the caller's kind of array: torch tensors in, torch tensors out, without importing torch for anyone."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def _namespace(caller: Any) -> Any:
    """The library that ``caller`` is an array of, as far as it can be told; it is loaded, or there were no caller."""
    if hasattr(caller, "__array_namespace__"):
        return caller.__array_namespace__()
    return sys.modules.get(type(caller).__module__.partition(".")[0])


def like(caller: Any, array: np.ndarray) -> Any:
    """``array`` as an array of the library of ``caller``, over the same memory; itself where that library cannot."""
    from_dlpack = getattr(_namespace(caller), "from_dlpack", None)
    return array if from_dlpack is None else from_dlpack(array)
