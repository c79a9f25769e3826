"""Recording of launches: ``with aurex.profile() as p: …``."""

from __future__ import annotations

import os
from collections.abc import Callable

from aurex import _core


class Profile:
    """The launches and zones of a ``with`` block, on every thread.

    Inside the block, :meth:`records` shows what there is so far. Profiles may be nested; each sees its own block.
    """

    def __init__(self) -> None:
        self._begin = self._end = 0
        self._events: list[_core.Event] | None = None
        self._recording_before = False

    def __enter__(self) -> Profile:
        self._recording_before = _core.recording()
        if not self._recording_before:
            _core.clear_events()
        self._begin, self._events = _core.monotonic_ns(), None
        _core.set_recording(True)
        return self

    def __exit__(self, *exception: object) -> None:
        _core.set_recording(self._recording_before)
        self._events = self._collect()

    def _collect(self) -> list[_core.Event]:
        return [event for event in _core.recorded_events() if event.begin_ns >= self._begin]

    def records(self) -> list[_core.Event]:
        """Events by begin time: ``kind``, ``name``, ``duration_ns``, ``extents``, ``bytes``, ``flops`` and so on.

        ``flops`` is the number of floating-point operations that the kernel's text asks for (a function such as ``exp``
        is one); None where a ``while`` leaves it open, and too high rather than too low where not ``flops_exact``.
        """
        return list(self._collect() if self._events is None else self._events)

    def table(self) -> str:
        """Calls, total and mean time, GB/s and GF/s by name, the longest total first. ``<`` stands before a rate of
        operations that is at most that; ``-`` where they cannot be counted."""
        groups: dict[str, list[_core.Event]] = {}
        for event in self.records():
            groups.setdefault(event.name, []).append(event)
        total: Callable[[str], int] = lambda name: sum(event.duration_ns for event in groups[name])  # noqa: E731
        lines = [f"{'name':<32}{'calls':>8}{'total ms':>12}{'mean µs':>12}{'GB/s':>9}{'GF/s':>9}"]
        for name in sorted(groups, key=total, reverse=True):
            events, nanoseconds = groups[name], max(total(name), 1)
            lines.append(f"{name:<32}{len(events):>8}{nanoseconds / 1e6:>12.3f}{nanoseconds / 1e3 / len(events):>12.2f}"
                         f"{sum(event.bytes for event in events) / nanoseconds:>9.2f}"
                         f"{_rate_of_operations(events, nanoseconds):>9}")
        return "\n".join(lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a trace that chrome://tracing and Perfetto open. Raises :class:`aurex.IoError`."""
        _core.write_trace(os.fspath(path), self.records())


def _rate_of_operations(events: list[_core.Event], nanoseconds: int) -> str:
    counts = [event.flops for event in events if event.flops is not None]
    if len(counts) < len(events):
        return "-"
    exact = all(event.flops_exact for event in events)
    return f"{'' if exact else '<'}{sum(counts) / nanoseconds:.2f}"


def profile() -> Profile:
    """Records the launches of a ``with`` block."""
    return Profile()
