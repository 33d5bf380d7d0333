"""Keep freed memory in the process.

Layers allocate and free tensors of megabytes. By default glibc gives each back to the kernel,
which must then clear every page again: measured, a forward pass of attention took six times as
long because of it.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> bool:
    """Tell glibc to reuse large blocks rather than return them. False where there's no glibc."""
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
    # A list, so that a refusal of one doesn't leave the others unset.
    accepted = [libc.mallopt(option, value) == 1 for option, value in settings]
    return all(accepted)


def give_back_freed_memory() -> bool:
    """Give back once what was freed so far, for measuring. False where there's no glibc."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    return hasattr(libc, "malloc_trim") and libc.malloc_trim(0) == 1
