"""Whether there is an NVIDIA card, asked of its driver: torch need not be imported to find out that there is none."""

from __future__ import annotations

import ctypes
import sys
from functools import cache


@cache
def card_present() -> bool:
    """False too where the driver is missing or shows no device (CUDA_VISIBLE_DEVICES)."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
