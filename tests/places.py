"""Where the repository is, for tests that read its files; and the package, for processes."""

from pathlib import Path

import fedrl

ROOT = Path(__file__).parents[1]
# The folder `fedrl` is imported from, this repository or one of installed packages: a process that
# imports it from there finds what numba has compiled for the tests.
IMPORTED_FROM = Path(fedrl.__file__).parents[1]
