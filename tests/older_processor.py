"""This machine as if its processor were older: libraries choose other instructions there."""

import os
import platform
import subprocess
import sys

from numpy._core import _multiarray_umath as core

AVX2 = ("X86_V3", "AVX2", "FMA3")  # NumPy's names of what a processor of 2013 has


def plainer_processor() -> dict[str, str]:
    """Variables of a process whose libraries know AVX2 and fused multiply-adds, nothing newer."""
    found = [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]
    names = {"ATEN_CPU_CAPABILITY": "avx2"}
    if newer := [name for name in found if name not in AVX2]:
        names["NPY_DISABLE_CPU_FEATURES"] = " ".join(newer)
    if platform.machine() in ("x86_64", "AMD64"):
        names["OPENBLAS_CORETYPE"] = "Nehalem"  # older still: its sums are not ours
        names["GLIBC_TUNABLES"] = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL"
    return names


def older_processor() -> dict[str, str]:
    """Variables of a process whose NumPy, OpenBLAS and C library do without AVX."""
    found = [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]
    names = {"NPY_DISABLE_CPU_FEATURES": " ".join(found)} if found else {}
    if platform.machine() in ("x86_64", "AMD64"):
        names |= {"OPENBLAS_CORETYPE": "Nehalem", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"}
    return names


def printed(program: str, variables: dict[str, str]) -> str:
    """What a program prints under these variables."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | variables,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
