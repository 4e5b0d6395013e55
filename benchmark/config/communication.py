"""What happens to values between agents and their server: conditions on any algorithm."""

import math
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from fedrl.benchmark.config.conditions import Condition, Heavy, NotNegative, Positive, one_of
from fedrl.envs.validation import require

HEADROOM = 8  # bits of a fixed-point number for the sum over 2^8 agents
SUBSETS = 20_000  # of agents, at most, that minimum-diameter averaging compares


class Compression(Condition):
    """Agents send C(v) instead of every vector v: their update, snapshot gradient and messages.

    With error feedback an agent sends C(v + e) and keeps e ← v + e - C(v + e), one e for each of
    the three (Stich, Cordonnier & Jaggi, NeurIPS 2018). An unbiased C of relative variance ω,
    E‖C(v) - v‖² ≤ ω ‖v‖², is then divided by 1 + ω, which makes it a contraction.
    """

    setting: ClassVar[str] = "compression"
    example: ClassVar[str] = '{kind = "top-k", share = 0.1}'


class _Sparse(Compression):
    """k of d entries are sent."""

    share: Annotated[float, Field(gt=0, le=1)] = 0.1  # k/d; k is rounded, and at least 1

    def kept(self, size: int) -> int:
        """k for a vector of d = `size` entries."""
        return max(1, round(self.share * size))


class TopK(_Sparse):
    """The k entries of largest absolute value; of equal ones the first."""

    kind: Literal["top-k"] = "top-k"
    error_feedback: bool = True  # remember what was not sent


class RandomK(_Sparse):
    """k random entries, times d/k unless error is fed back: unbiased, ω = d/k - 1.

    The server draws the same random places from the seed it shares with the agent.
    """

    kind: Literal["random-k"] = "random-k"
    error_feedback: bool = False  # remember what was not sent


class QSGD(Compression):
    """‖v‖ sign(v_j) ξ_j / s, ξ_j a random neighbour of s |v_j| / ‖v‖: unbiased.

    ω = min(d/s², √d/s) (Alistarh et al., NeurIPS 2017).
    """

    kind: Literal["qsgd"] = "qsgd"
    levels: Annotated[int, Field(ge=1, le=2**15)] = 4  # [s] of an absolute value, beside 0
    error_feedback: bool = False  # remember what was not sent


class Sign(Compression):
    """(‖v‖₁/d) sign(v) with sign(0) = 1 (Karimireddy et al., ICML 2019)."""

    kind: Literal["sign"] = "sign"
    error_feedback: bool = True  # remember what was not sent


class FixedPoint(Compression):
    """Whole numbers of a ring of 2^bits, as secure aggregation adds them: unbiased within ±bound.

    An entry is clamped to ±bound and rounded at random to a multiple of bound · 2^(9 - bits): of at
    most 256 agents the sum does not wrap around, and the server learns the sum alone (Bonawitz et
    al., CCS 2017). Masks, which cancel, are not simulated.
    """

    kind: Literal["fixed-point"] = "fixed-point"
    bits: Annotated[int, Field(ge=10, le=52)] = 24  # of a number
    bound: Positive = 10.0  # of an entry's absolute value
    error_feedback: bool = False  # remember what was not sent

    @property
    def spacing(self) -> float:
        """The distance of two neighbours."""
        return self.bound * 2.0 ** (HEADROOM + 1 - self.bits)


COMPRESSIONS: dict[str, type[Compression]] = {
    "top-k": TopK,
    "random-k": RandomK,
    "qsgd": QSGD,
    "sign": Sign,
    "fixed-point": FixedPoint,
}
AnyCompression = Annotated[
    TopK | RandomK | QSGD | Sign | FixedPoint,
    BeforeValidator(one_of(Compression, "kind", COMPRESSIONS)),
]


class Lazy(Condition):
    """Agents send an update only if it differs enough from the one they sent last (LAPG).

    Agent i is silent where ‖m - m_i‖² < (weight / D) Σ_j ‖(θ_{r+1-j} - θ_{r-j}) / λ‖² + noise, m_i
    what it sent last, which the server then goes on with (Chen, Zhang, Giannakis & Başar, IEEE TCNS
    2022; the constants of its condition are not verified). Snapshots and messages are sent always.
    """

    setting: ClassVar[str] = "lazy"
    example: ClassVar[str] = "{weight = 1.0, window = 10}"

    weight: NotNegative = 1.0  # of the server's recent moves; 0 with noise = 0 is never silent
    window: Annotated[int, Field(ge=1, le=1000)] = 10  # [D] rounds
    noise: NotNegative = 0.0  # squared distance that chance alone makes


Pace = Literal["constant", "sqrt", "pareto"]


class Privacy(Condition):
    """Agents clip every vector they send to norm C = clip and add N(0, s² C² I).

    (ε, δ) hold for an agent whose data are replaced. Against those who see messages, s = noise and
    ε counts an agent's own releases; against those who see sums alone, as after secure aggregation,
    s = noise/√n for n participants, and that only some take part amplifies (Wang, Balle &
    Kasiviswanathan, AISTATS 2019): there ε is that of a Rényi accountant, else it is exact.
    """

    setting: ClassVar[str] = "privacy"
    example: ClassVar[str] = "{clip = 1.0, noise = 1.0, delta = 1e-5}"

    clip: Positive = 1.0  # [C] largest norm of what is sent
    noise: NotNegative = 1.0  # standard deviation of the noise over C; of the sum's if that is seen
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-5  # [δ]
    seen: Literal["messages", "sum"] = "messages"  # what an adversary sees


class Clock(Condition):
    """Seconds that agents need for gradients and for exchanges; nothing else depends on them.

    Agent i of 1 … N needs compute · X for a gradient of B episodes and (latency + bits / bandwidth)
    · Y for an exchange. X and Y are 1 (constant), √i (sqrt), or Pareto numbers of mean 1 and tail
    index `index`, drawn for every agent and exchange (pareto).
    """

    setting: ClassVar[str] = "clock"
    example: ClassVar[str] = '{pace = "sqrt", compute = 1.0}'

    pace: Pace = "constant"  # of computing, X
    compute: Positive = 1.0  # per gradient of B episodes
    network: Pace = "constant"  # of the network, Y
    latency: NotNegative = 0.0  # per exchange, there and back
    bandwidth: Positive | None = None  # None: bits take no time
    index: Heavy = 1.5  # of the Pareto distribution: its variance is infinite up to 2


class Aggregator(Condition):
    """What the server makes of the agents' vectors m_i instead of their mean.

    It replaces the mean of updates, of snapshot gradients and of messages; weights are equal.
    """

    setting: ClassVar[str] = "aggregator"
    example: ClassVar[str] = '{rule = "krum", byzantine = 1}'

    byzantine: Annotated[int, Field(ge=0)] = 0  # [f] agents that may lie
    least: ClassVar[tuple[int, int]] = (2, 1)  # (a, b): the rule needs n ≥ a f + b agents

    def check(self, agents: int) -> None:
        """Refuse too few agents (n) for f, in one line."""
        slope, constant = self.least
        most = max((agents - constant) // slope, 0) if slope else agents
        require(
            agents >= slope * self.byzantine + constant,
            "aggregator.byzantine",
            self.byzantine,
            f"at most {most} of {agents} agents in a round: {self.rule} needs "  # type: ignore[attr-defined]
            f"n ≥ {slope}f + {constant}",
        )


class Median(Aggregator):
    """The median of every coordinate (Yin et al., ICML 2018)."""

    rule: Literal["median"] = "median"


class TrimmedMean(Aggregator):
    """The mean of every coordinate without its f largest and f smallest (Yin et al., ICML 2018)."""

    rule: Literal["trimmed-mean"] = "trimmed-mean"


class Krum(Aggregator):
    """The m_i of least Σ ‖m_i - m_j‖² over its n - f - 2 nearest (Blanchard et al. 2017)."""

    rule: Literal["krum"] = "krum"
    least: ClassVar[tuple[int, int]] = (2, 3)


class GeometricMedian(Aggregator):
    """The z of least Σ_i ‖z - m_i‖, by Weiszfeld's iteration (Pillutla et al., IEEE TSP 2022)."""

    rule: Literal["geometric-median"] = "geometric-median"


class MinimumDiameter(Aggregator):
    """The mean of the n - f vectors of least largest distance (MDA, El-Mhamdi et al. 2021)."""

    rule: Literal["minimum-diameter"] = "minimum-diameter"

    def check(self, agents: int) -> None:
        super().check(agents)
        subsets = math.comb(agents, self.byzantine)
        allowed = f"smaller: {subsets:,} subsets of {agents} agents are more than {SUBSETS:,}"
        require(subsets <= SUBSETS, "aggregator.byzantine", self.byzantine, allowed)


AGGREGATORS: dict[str, type[Aggregator]] = {
    "median": Median,
    "trimmed-mean": TrimmedMean,
    "krum": Krum,
    "geometric-median": GeometricMedian,
    "minimum-diameter": MinimumDiameter,
}
AnyAggregator = Annotated[
    Median | TrimmedMean | Krum | GeometricMedian | MinimumDiameter,
    BeforeValidator(one_of(Aggregator, "rule", AGGREGATORS)),
]
