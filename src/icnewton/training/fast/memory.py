"""Keep the memory that training frees at every step, to use it again in the next one."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to keep freed blocks of up to 32 MiB, its limit.

    Returns False, and does nothing, where there is no glibc. A step allocates and frees the same
    tens of megabytes. By default glibc maps blocks of that size anew each time, and the page faults
    took up to a fifth of a step's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(
        mallopt(M_MMAP_THRESHOLD, 32 << 20) and mallopt(M_TRIM_THRESHOLD, 1 << 30)
    )
