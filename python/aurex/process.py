"""What this process has: devices, measured ceilings, and where its notices go."""

from __future__ import annotations

import functools
import sys

from aurex import _core


def device(name: str = "cpu") -> _core.Device:
    """The device of that name. Raises :class:`aurex.DeviceNotAvailable` for one that is not there,
    :class:`aurex.InvalidConfig` for a name that no device could have."""
    return _core.find_device(name)


@functools.cache
def ceilings() -> _core.Ceilings:
    """What this machine can do at most on one thread, measured at the first call (a tenth of a second)."""
    return _core.measure_ceilings()


def _show(kind: str, text: str) -> None:
    """Warnings to stderr, what kernels print to stdout; a stream may be gone while the interpreter ends."""
    stream = sys.stderr if kind == "warning" else sys.stdout
    if stream is not None:
        print(text, file=stream)


_core.set_notice_sink(_show)
