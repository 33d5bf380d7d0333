"""Keeping freed memory in the process.

Layers allocate and free tensors of megabytes. By default glibc returns each to the kernel, which
must then clear every page again. Measured, a forward pass of attention took six times as long
because of it.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> bool:
    """Make glibc reuse large blocks instead of returning them. Returns False without glibc."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return False
    settings = (
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, -1),
        (_M_TOP_PAD, 64 * 2**20),
        (_M_ARENA_MAX, 1),
    )
    # A list, so that all are set even if one is refused.
    accepted = [libc.mallopt(option, value) == 1 for option, value in settings]
    return all(accepted)


def give_back_freed_memory() -> bool:
    """Return freed memory to the kernel once, for measuring. Returns False without glibc."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    return hasattr(libc, "malloc_trim") and libc.malloc_trim(0) == 1
