"""The exceptions of Aurex: each is an :class:`Error` and the built-in that fits."""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """Base of every error that Aurex raises.

    ``code`` is the name of the class, ``fields`` holds the facts of the error by name; each field is an attribute too.
    """

    code: str = "Error"

    def __init__(self, message: str, fields: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(f"{type(self).__name__} has no field {name!r}; it has: {', '.join(fields) or 'none'}")


class InvalidConfig(Error, ValueError):
    """A setting or an argument fails validation."""


class ArgumentError(Error, TypeError):
    """An argument is missing, surplus or unknown; ``argument`` names it."""


class QuantizationError(Error, ValueError):
    """A tensor does not fit a block format."""


class ShapeMismatch(Error, ValueError):
    """Extents disagree; ``expected`` and ``actual`` are tuples."""


class DimensionMismatch(Error, ValueError):
    """Ranks disagree; ``expected`` and ``actual`` are numbers of axes."""


class DTypeMismatch(Error, TypeError):
    """Element types do not fit; ``expected`` and ``actual`` name them."""


class DeviceNotAvailable(Error, RuntimeError):
    """The requested device is not there; the message lists those that are."""


class DeviceMismatch(Error, RuntimeError):
    """Arrays of one call lie on different devices."""


class OutOfMemory(Error, MemoryError):
    """An allocation failed or would pass the limit; ``requested``, ``free`` and ``limit`` in bytes."""


class CompileError(Error, SyntaxError):
    """AX source was refused.

    ``diagnostic`` is the code of the first diagnostic, ``lineno`` and ``offset`` its place; the message shows them all.
    """

    def __str__(self) -> str:
        return self.message


class KernelError(Error, RuntimeError):
    """A launch or its execution failed."""


class IndexOutOfRange(KernelError, IndexError):
    """An index lies outside its axis; ``kernel``, ``line``, ``position``, ``index`` and ``bound`` say where.

    ``axes`` is the position by axis, a dict like ``{"i": 1, "j": 3}``; empty where it is not known.
    """


class FormatError(Error, ValueError):
    """A file is malformed at byte ``offset``."""


class NotImplemented(Error, NotImplementedError):
    """Declared but not there yet; the message names the construct."""


class IoError(Error, OSError):
    """The operating system refused to read or write."""


_CLASSES = {
    cls.__name__: cls
    for cls in (
        InvalidConfig, ArgumentError, QuantizationError, ShapeMismatch, DimensionMismatch, DTypeMismatch,
        DeviceNotAvailable, DeviceMismatch, OutOfMemory, CompileError, KernelError, IndexOutOfRange, FormatError,
        NotImplemented, IoError,
    )
}
for _name, _cls in _CLASSES.items():
    _cls.code = _name


def make(code: str, message: str, fields: dict[str, Any]) -> Error:
    """The exception for an error of the library; called by the native module."""
    error = _CLASSES.get(code, Error)(message, fields)
    if isinstance(error, CompileError):
        error.filename, error.lineno, error.offset, error.msg = (
            fields[name] for name in ("filename", "lineno", "offset", "msg"))
    return error
