"""Which settings go together."""

import math
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from gymnasium import spaces

from fedrl.algorithms.algorithm import Algorithm
from fedrl.algorithms.estimators.policy import Policy
from fedrl.benchmark.config.communication import HEADROOM, FixedPoint
from fedrl.envs.family import Family
from fedrl.envs.finite.tabular import Tabular
from fedrl.envs.validation import require, require_known

NO_EPISODES = "off with gradients = 'exact': there are no episodes"
ESTIMATED = ("weight_cap", "per_decision", "whiten", "entropy", "per_step_mean", "baseline")
SAMPLED = (
    *("reward_noise", "reward_cliff", "weight_cap", "attack"),
    *("per_decision", "whiten", "per_step_mean", "baseline"),
)

# Where an algorithm's own values cross, nobody knows which of their entries are personal.
CROSSING = ("finish", "absorb", "upload", "receive", "server_memory", "advance", "combine")


def check_personal(config: Any, policy: Policy, algorithm: Algorithm) -> None:
    """Refuse layers that there are not, and algorithms that send more than directions."""
    known = [*policy.layers, *(["critic"] if algorithm.actor_critic else [])]
    allowed = "'none': the policy of a finite MDP has no layers"
    require(bool(policy.layers), "personal", list(config.personal), allowed)
    require(bool(config.personal), "personal", [], f"'none' or some of {', '.join(known)}")
    require_known("layer of the policy", config.personal, known)
    own = [
        name for name in CROSSING if getattr(type(algorithm), name) is not getattr(Algorithm, name)
    ]
    allowed = f"'none': {config.algorithm} sends more than directions, or steps at the server"
    sends = not own and algorithm.update_site == "agents"
    require(sends, "personal", list(config.personal), allowed)
    allowed = "false with personal layers: ∇J is that of common parameters"
    _require_default(config, ("evaluation_gradients",), allowed)


def check_secrecy(config: Any) -> None:
    """Refuse what contradicts that a server sees sums only, or that what is sent is noisy."""
    summed = isinstance(config.compression, FixedPoint)
    if config.privacy is not None:
        amplified = config.privacy.seen == "sum" and config.present < config.agents
        needed = amplified and find_spec("dp_accounting") is None
        allowed = "'messages', or install the accountant of participation: fedrl[privacy]"
        require(not needed, "privacy.seen", config.privacy.seen, allowed)
        summed = summed or config.privacy.seen == "sum"
        allowed = "'none' or 'own' with privacy: statistics are sent without noise"
        require(config.normalise != "pooled", "normalise", config.normalise, allowed)
        _require_equal_weights(config, "privacy: noise is for equal weights")
    if summed:
        _require_default(config, ("aggregator",), "'none' where the server sees the sum alone")
    if isinstance(config.compression, FixedPoint):
        allowed = f"at most {2**HEADROOM} with fixed-point numbers: their sum must not wrap around"
        require(config.present <= 2**HEADROOM, "agents", config.agents, allowed)


def check_compatible(
    config: Any,
    family: Family,
    algorithm: Algorithm,
    spaces_of: tuple[spaces.Space[Any], spaces.Space[Any]],
) -> None:
    """Refuse settings of a `Config` that cannot go together, in one line each: ValueError.

    `spaces_of`: the family's observations and actions.
    """
    finite = all(isinstance(space, spaces.Discrete) for space in spaces_of)
    if algorithm.finite or config.gradients == "exact":
        kinds = f"algorithm {config.algorithm}" if algorithm.finite else "gradients = 'exact'"
        require(isinstance(family, Tabular), "family", config.family, f"finite for {kinds}")
    if config.gradients == "exact":
        what = f"'sampled': {config.algorithm} reads episodes"
        require(not algorithm.episodic, "gradients", config.gradients, what)
        _require_default(config, SAMPLED, NO_EPISODES)
    if algorithm.actor_critic:
        own = f"off: {config.algorithm} has advantages of its own"
        _require_default(config, ESTIMATED, own)
    if config.normalise != "none":
        vectors = isinstance(spaces_of[0], spaces.Box)
        allowed = "'none': a finite MDP has no numbers to normalise"
        require(vectors, "normalise", config.normalise, allowed)
        allowed = "'none': the server steps"
        require(algorithm.update_site == "agents", "normalise", config.normalise, allowed)
        allowed = "false with normalise: ∇J is not that of normalised rewards"
        _require_default(config, ("evaluation_gradients",), allowed)
    if algorithm.update_site == "server":
        _require_default(config, ("baseline",), "'none': the server steps")
    if config.segment is not None:
        _check_segment(config, family, algorithm)
    if config.critic is not None:
        _check_critic(config, algorithm)
    enough = config.batch_steps >= algorithm.least_steps
    allowed = f"enough for a batch of {algorithm.least_steps} steps: {config.algorithm} splits it"
    require(enough, "episodes", config.episodes, allowed)
    if config.server_optimiser is not None and algorithm.table != "softmax":
        what = f"'none': θ of {config.algorithm} is no vector of logits"
        require(False, "server_optimiser", config.server_optimiser.kind, what)
    if config.agent_weights is not None:
        allowed = f"one weight for each of the {config.agents} agents"
        fits = len(config.agent_weights) == config.agents
        require(fits, "agent_weights", list(config.agent_weights), allowed)
        small = math.isfinite(sum(config.agent_weights))
        require(small, "agent_weights", list(config.agent_weights), "finite in sum")
    if algorithm.table == "direct":
        allowed = f"'none': {config.algorithm} averages probabilities"
        _require_default(config, ("compression", "aggregator", "privacy", "lazy"), allowed)
    if config.aggregator is not None and algorithm.federated:
        own = f"'none': {config.algorithm} has an aggregation of its own"
        for method in ("aggregate", "combine"):
            inherited = getattr(type(algorithm), method) is getattr(Algorithm, method)
            require(inherited, "aggregator", config.aggregator, own)
        _require_equal_weights(config, "an aggregator: it knows no weights")
        config.aggregator.check(config.present)
    check_secrecy(config)
    if config.lazy is not None and algorithm.federated:
        _check_lazy(config, algorithm)
    if algorithm.asynchronous:
        one = f"{config.algorithm} hears one agent at a time"
        _require_default(config, ("participation",), f"1: {one}")
        _require_default(config, ("aggregator",), f"'none': {one}")
        allowed = f"'none' or 'own': {one}"
        require(config.normalise != "pooled", "normalise", config.normalise, allowed)
        alone = config.attack is None or config.attack.kind not in ("alie", "fedpg-attack")
        require(alone, "attack", config.attack, f"of another kind: {one}")
    if config.attack is not None:
        few = config.attack.agents < config.agents
        allowed = f"fewer than the {config.agents} agents"
        require(few, "attack.agents", config.attack.agents, allowed)
        several = config.attack.kind != "fedpg-attack" or config.attack.agents > 1
        allowed = "at least 2: the attackers compare what they have"
        require(several, "attack.agents", config.attack.agents, allowed)
    if config.evaluation_gradients:
        count = config.evaluation_episodes
        require(count >= 2 or finite, "evaluation_episodes", count, "at least 2: two halves")


def _check_lazy(config: Any, algorithm: Algorithm) -> None:
    """Agents that may be silent hear every round, and what they sent last is what is known."""
    given = config.lazy
    allowed = f"'none': {config.algorithm} steps at the server"
    require(algorithm.update_site == "agents", "lazy", given, allowed)
    allowed = f"'none': {config.algorithm} hears one agent at a time"
    require(not algorithm.asynchronous, "lazy", given, allowed)
    allowed = "1 with lazy: agents hear how far the server moves"
    _require_default(config, ("participation",), allowed)
    allowed = "'none' with lazy: what was sent last is then not what an agent had"
    _require_default(config, ("compression", "privacy"), allowed)


def _check_segment(config: Any, family: Family, algorithm: Algorithm) -> None:
    """Segments are of the agents' own environments, one batch per local step."""
    name, given = "segment", config.segment
    allowed = f"'none': an episode of {config.family} cannot be stored and go on"
    require(family.resumable, name, given, allowed)
    one = algorithm.batches == 1 and algorithm.update_site == "agents"
    require(one, name, given, f"'none': {config.algorithm} samples elsewhere too in a local step")
    require(config.baseline != "linear", "baseline", "linear", "'none': it reads an episode's time")
    if not algorithm.actor_critic:
        allowed = "true with segment: the number of pieces is random"
        require(config.per_step_mean, "per_step_mean", config.per_step_mean, allowed)


def _check_critic(config: Any, algorithm: Algorithm) -> None:
    """A critic makes advantages of what agents have played."""
    given = {"decay": config.critic.decay}
    require(config.gradients != "exact", "critic", given, NO_EPISODES.replace("off", "'none'"))
    allowed = f"'none': {config.algorithm} has a critic of its own"
    require(not algorithm.actor_critic, "critic", given, allowed)
    allowed = "'none': the server steps"
    require(algorithm.update_site == "agents", "critic", given, allowed)
    allowed = f"'none': {config.algorithm} reads rewards itself"
    require(algorithm.table == "softmax", "critic", given, allowed)
    heard = "one agent at a time is heard" if algorithm.asynchronous else "critics have no noise"
    private = algorithm.asynchronous or config.privacy is not None
    apart = not private or config.critic.kept == "own"
    require(apart, "critic.kept", config.critic.kept, f"'own': {heard}")
    parts = config.critic.minibatches
    allowed = f"enough for a batch of {parts} steps: the critic splits it"
    require(config.batch_steps >= parts, "episodes", config.episodes, allowed)
    instead = "with a critic: it takes the place of rewards to go"
    _require_default(config, ("baseline",), f"'none' {instead}")
    _require_default(config, ("per_decision",), f"False {instead}")
    allowed = "false with a critic: ∇J has no advantages in it"
    _require_default(config, ("evaluation_gradients",), allowed)


def _require_default(config: Any, names: Iterable[str], allowed: str) -> None:
    for name in names:
        given = getattr(config, name)
        require(given == type(config).model_fields[name].default, name, given, allowed)


def _require_equal_weights(config: Any, beside: str) -> None:
    equal = len(set(config.agent_weights or ())) <= 1
    require(equal, "agent_weights", config.agent_weights, f"equal with {beside}")
