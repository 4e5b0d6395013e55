"""Normal numbers from uniform ones, by scalar functions of the C library.

NumPy computes logarithms by vectors of the processor, and another has another last digit.
"""

import math
from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def box_muller(radius: Any, angle: Any) -> Any:
    """√(-2 log u) cos 2πv, then the sines: (L, 2m), of u on (0, 1] and v on [0, 1), (L, m) each.

    Box and Muller 1958.
    """
    lanes, half = radius.shape
    out = np.empty((lanes, 2 * half))
    for lane in range(lanes):
        for i in range(half):
            length = math.sqrt(-2 * math.log(radius[lane, i]))
            turn = 2 * math.pi * angle[lane, i]
            out[lane, i] = length * math.cos(turn)
            out[lane, half + i] = length * math.sin(turn)
    return out
