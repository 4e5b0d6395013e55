"""This machine as if its processor were older: libraries choose other instructions there."""

import platform

from numpy._core import _multiarray_umath as core


def older_processor() -> dict[str, str]:
    """Variables of a process whose NumPy, OpenBLAS and C library do without AVX."""
    found = [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]
    names = {"NPY_DISABLE_CPU_FEATURES": " ".join(found)} if found else {}
    if platform.machine() in ("x86_64", "AMD64"):
        names |= {"OPENBLAS_CORETYPE": "Nehalem", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"}
    return names
