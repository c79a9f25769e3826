"""The kernel library on arrays: NumPy's names and rules where NumPy has the function, torch's where torch has it.

Every function here runs kernels of ``aurex/kernels/*.ax``; NumPy only reshapes views and converts element types.
"""

from aurex.ops import (
    elementwise, gradients, images, linear_algebra, losses, neural, optimizers, reductions, scans, segments, spiking,
)
from aurex.ops.elementwise import *  # noqa: F403
from aurex.ops.gradients import *  # noqa: F403
from aurex.ops.images import *  # noqa: F403
from aurex.ops.linear_algebra import *  # noqa: F403
from aurex.ops.losses import *  # noqa: F403
from aurex.ops.neural import *  # noqa: F403
from aurex.ops.optimizers import *  # noqa: F403
from aurex.ops.reductions import *  # noqa: F403
from aurex.ops.scans import *  # noqa: F403
from aurex.ops.segments import *  # noqa: F403
from aurex.ops.spiking import *  # noqa: F403

_PARTS = (elementwise, gradients, images, linear_algebra, losses, neural, optimizers, reductions, scans, segments,
          spiking)

__all__ = sorted(name for part in _PARTS for name in part.__all__)
