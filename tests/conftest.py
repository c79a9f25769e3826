"""No test meets what an earlier run has stored, or leaves anything in the user's cache of compiled kernels."""

import os

os.environ.setdefault("AUREX_CACHE_SIZE", "0")  # before anything imports aurex, which reads it once
