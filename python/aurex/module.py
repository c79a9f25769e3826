"""AX modules: text in, kernels out."""

from __future__ import annotations

import os

from aurex import _core


class Module:
    """The kernels of one AX text, as attributes: ``mod.softmax(x)``.

    Safe to share between threads. ``dir(mod)`` lists the kernels; ``mod["name"]`` gets one by name.
    """

    def __init__(self, kernels: _core.Kernels) -> None:
        for name in kernels.names:
            self.__dict__[name] = kernels.find(name)

    def __getitem__(self, name: str) -> _core.Kernel:
        return getattr(self, name)

    def __getattr__(self, name: str) -> _core.Kernel:
        raise AttributeError(f"no kernel is called {name!r}; there are: {', '.join(sorted(self.__dict__))}")

    def __iter__(self):
        return iter(self.__dict__.values())

    def __repr__(self) -> str:
        return f"<aurex.Module {', '.join(sorted(self.__dict__))}>"


def compile(text: str, name: str = "<text>") -> Module:  # noqa: A001 - the public name
    """Checks AX text and returns its kernels.

    ``name`` stands for the file in diagnostics. Raises :class:`aurex.CompileError` with every diagnostic of the text.
    Machine code is made at a kernel's first call with new argument types.
    """
    return Module(_core.compile(text, name))


def load(path: str | os.PathLike[str]) -> Module:
    """Like :func:`compile`, from an ``.ax`` file. Raises :class:`aurex.IoError` where it cannot be read."""
    return Module(_core.load(os.fspath(path)))
