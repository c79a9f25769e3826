"""A small library of arrays of its own that speaks DLPack through its C structs, as torch does: for the tests of the
exchange, without torch's 200 MB."""

from __future__ import annotations

import ctypes
from typing import Any

CPU, CUDA = 1, 2
CODES = {"i": 0, "u": 1, "f": 2, "b": 6}
BFLOAT, FLOAT8_E5M2 = 4, 12
READ_ONLY = 1

_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_api.PyCapsule_IsValid.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


class Managed(ctypes.Structure):
    pass


Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
Managed._fields_ = [("tensor", Tensor), ("manager", ctypes.c_void_p), ("deleter", Deleter)]


class ManagedVersioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("manager", ctypes.c_void_p),
                ("deleter", Deleter), ("flags", ctypes.c_uint64), ("tensor", Tensor)]


class Peer:
    """Lends ``memory`` (a ctypes array) as a tensor. ``lent`` counts the tensors whose deleter has not run yet."""

    _alive: dict[int, Any] = {}  # what a receiver may still use; the deleter lets go of it

    def __init__(self, memory: Any, shape: tuple[int, ...], code: int, bits: int, *, strides: tuple[int, ...] | None = None,
                 byte_offset: int = 0, flags: int = 0, device: tuple[int, int] = (CPU, 0), version: int | None = 1,
                 lanes: int = 1) -> None:
        self.memory, self.shape, self.code, self.bits, self.lanes = memory, shape, code, bits, lanes
        self.strides, self.byte_offset, self.flags, self.device, self.version = strides, byte_offset, flags, device, version
        self.asked: list[dict[str, Any]] = []
        self.count = [0]

    @property
    def lent(self) -> int:
        return self.count[0]

    @property
    def address(self) -> int:
        return ctypes.addressof(self.memory) + self.byte_offset

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device

    def __dlpack__(self, **options: Any) -> Any:
        self.asked.append(options)
        if self.version is None and options:
            raise TypeError("__dlpack__() takes no keyword arguments")
        managed = Managed() if self.version is None else ManagedVersioned(major=self.version, flags=self.flags)
        shape = (ctypes.c_int64 * len(self.shape))(*self.shape)
        strides = (ctypes.c_int64 * len(self.shape))(*self.strides) if self.strides else None
        managed.tensor = Tensor(ctypes.addressof(self.memory), *self.device, len(self.shape), self.code, self.bits,
                                self.lanes, shape, strides, self.byte_offset)
        key, count, alive = ctypes.addressof(managed), self.count, Peer._alive

        def release(pointer: int) -> None:
            count[0] -= 1
            del alive[pointer]

        managed.deleter = Deleter(release)
        alive[key] = (managed, shape, strides, self.memory)
        count[0] += 1
        return _api.PyCapsule_New(key, b"dltensor" if self.version is None else b"dltensor_versioned", None)

    def __array_namespace__(self) -> type[Peer]:
        return Peer

    @staticmethod
    def from_dlpack(other: Any) -> Received:
        return Received(other, version=(1, 0))


class Received:
    """What a consumer sees of a tensor that was lent to it, until ``release``."""

    def __init__(self, producer: Any, version: tuple[int, int] | None) -> None:
        self.capsule = producer.__dlpack__(max_version=version) if version else producer.__dlpack__()
        name, kind = (b"dltensor", Managed) if _api.PyCapsule_IsValid(self.capsule, b"dltensor") else (
            b"dltensor_versioned", ManagedVersioned)
        self.versioned = kind is ManagedVersioned
        self._managed = kind.from_address(_api.PyCapsule_GetPointer(self.capsule, name))
        self._used = b"used_" + name  # a capsule does not copy its name
        _api.PyCapsule_SetName(self.capsule, self._used)
        tensor = self._managed.tensor
        self.address = (tensor.data or 0) + tensor.byte_offset
        self.shape = tuple(tensor.shape[: tensor.ndim])
        self.code, self.bits = tensor.code, tensor.bits
        self.read_only = self.versioned and bool(self._managed.flags & READ_ONLY)

    def bytes(self) -> bytes:
        count = self.bits // 8
        for extent in self.shape:
            count *= extent
        return ctypes.string_at(self.address, count)

    def release(self) -> None:
        self._managed.deleter(ctypes.addressof(self._managed))
