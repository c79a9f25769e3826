"""What ``kernel.explain(x)`` says, and what ``inspect.signature(kernel)`` reads."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field

_STAGES = ("parse", "specialize", "cache", "lower", "emit", "codegen", "link")


@dataclass(frozen=True)
class Explanation:
    """How one call was compiled. Printing it shows the summary; the texts are attributes."""

    kernel: str
    tile: str = field(repr=False)  #: the tile program, before anything was decided
    schedule: str = field(repr=False)  #: what was decided; ``kernel.with_schedule`` takes it, changed or not
    loop: str = field(repr=False)  #: the loop program that was compiled
    llvm: str = field(repr=False)  #: LLVM IR
    asm: str = field(repr=False)  #: assembly for ``device``
    device: str  #: the code target, "cpu.avx512"
    timing: dict[str, float]  #: milliseconds per stage from text to callable, and "total"
    cache: str  #: "compiled" where this call made the code, "disk" or "memory" where it found it there
    estimate: float  #: nanoseconds that the plan expects of the call

    def __str__(self) -> str:
        stages = "  ".join(f"{name} {self.timing[name]:.2f}" for name in (*_STAGES, "total"))
        return f"{self.kernel} on {self.device} ({self.cache})\n  ms: {stages}\n  estimate: {self.estimate:.0f} ns"


def make(kernel: str, tile: str, schedule: str, loop: str, llvm: str, asm: str, target: str,
         times: tuple[float, ...], cache: str, estimate: float) -> Explanation:
    """Called by the native module; ``times`` in the order of the stages."""
    timing = dict(zip(_STAGES, times), total=sum(times))
    return Explanation(kernel, tile, schedule, loop, llvm, asm, target, timing, cache, estimate)


class _Default:
    """Shows a default as the kernel spells it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def signature(kernel) -> inspect.Signature:
    """Parameters by position or name; those without a default that follow one with a default only by name."""
    kind, parameters = inspect.Parameter.POSITIONAL_OR_KEYWORD, []
    for name, default in zip(kernel.parameters, kernel.defaults):
        if default is None and parameters and parameters[-1].default is not inspect.Parameter.empty:
            kind = inspect.Parameter.KEYWORD_ONLY
        shown = inspect.Parameter.empty if default is None else _Default(default)
        parameters.append(inspect.Parameter(name, kind, default=shown))
    parameters.append(inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None))
    return inspect.Signature(parameters)
