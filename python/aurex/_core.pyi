import aurex.explanation
from collections.abc import Callable
from typing import Any

import numpy as np

class Kernel:
    """A kernel of a module. Calling it runs it; see ``signature``."""

    __name__: str
    signature: str
    parameters: tuple[str, ...]
    results: tuple[str, ...]
    defaults: tuple[str | None, ...]

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any: ...
    def explain(self, *args: Any, out: Any = None, **named: Any) -> aurex.explanation.Explanation: ...
    def with_schedule(self, text: str) -> Kernel: ...

class Kernels:
    names: list[str]
    def find(self, name: str) -> Kernel | None: ...

class Device:
    id: str
    name: str
    kind: str
    cores: int
    memory: int
    features: list[str]
    target: str
    driver: str

class Ceilings:
    fma_gflops: float
    copy_gbs: float
    read_gbs: float

class Event:
    kind: str
    name: str
    thread: int
    begin_ns: int
    end_ns: int
    duration_ns: int
    bytes_allocated: int
    peak_bytes: int
    core: str
    extents: tuple[int, ...]
    bytes: int
    flops: int | None
    flops_exact: bool

def compile(text: str, name: str) -> Kernels: ...
def load(path: str) -> Kernels: ...
def array_from_dlpack(producer: Any) -> np.ndarray: ...
def dlpack_capsule(array: np.ndarray, versioned: bool) -> Any: ...
def threads() -> int: ...
def set_threads(count: int) -> None: ...
def devices() -> list[Device]: ...
def find_device(name: str) -> Device: ...
def measure_ceilings() -> Ceilings: ...
def recording() -> bool: ...
def set_recording(on: bool) -> None: ...
def recorded_events() -> list[Event]: ...
def dropped_events() -> int: ...
def clear_events() -> None: ...
def monotonic_ns() -> int: ...
def write_trace(path: str, events: list[Event]) -> None: ...
def set_notice_sink(sink: Callable[[str, str], None] | None) -> None: ...
