"""The specification of a report, as one value; its hash seeds every resampling."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Specification:
    """Every choice that changes a number of the report."""

    epsilons: tuple[float, ...] = (0.5, 0.25, 0.1, 0.05)  # targets, share of reference − random
    decades: int = 4  # stationarity targets: powers of ten below the initial value
    window: int = 3  # evaluation points a target has to be held for
    lost: float = 0.1  # share of the best gain a run may lose and still have held it
    resamples: int = 2000  # bootstrap resamples
    level: float = 0.95  # of every interval
    few: int = 10  # below this many seeds every seed is drawn
    baseline: str = "fedpg"  # paired comparisons are against it when it is present

    @property
    def bootstrap(self) -> dict[str, Any]:
        """How every interval is resampled."""
        return {"seed": self.seed, "resamples": self.resamples, "level": self.level}

    @property
    def seed(self) -> int:
        """First 64 bits of SHA-256 of the specification: the same report, the same resamples."""
        text = json.dumps(asdict(self), sort_keys=True)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class Sensitivity(Specification):
    """The same for a study with a design of hyperparameters."""

    within: float = 0.05  # of the best still counts as good
    share: float = 0.95  # of the performance of full tuning, for effective dimensionality
    splits: int = 20  # ways to part the seeds
    redrawn: int = 500  # bootstrap resamples of a split estimate
    most_levels: int = 12  # of one hyperparameter; where there are more they are binned
    bins: int = 5

    @property
    def redraws(self) -> dict[str, int]:
        """How every split estimate is resampled."""
        return {"seed": self.seed, "resamples": self.redrawn, "splits": self.splits}
