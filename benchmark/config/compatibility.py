"""Which settings go together."""

import math
from typing import Any

from gymnasium import spaces

from fedrl.algorithms.algorithm import Algorithm
from fedrl.envs.family import Family
from fedrl.envs.finite.tabular import Tabular
from fedrl.envs.validation import require

NO_EPISODES = "off with gradients = 'exact': there are no episodes"
ESTIMATED = ("weight_cap", "per_decision", "whiten", "entropy", "per_step_mean", "baseline")


def check_compatible(config: Any, family: Family, algorithm: Algorithm) -> None:
    """Refuse settings of a `Config` that cannot go together, in one line each: ValueError."""
    spaces_of = (family.observation_space, family.action_space)
    finite = all(isinstance(space, spaces.Discrete) for space in spaces_of)
    if algorithm.finite or config.gradients == "exact":
        kinds = f"algorithm {config.algorithm}" if algorithm.finite else "gradients = 'exact'"
        require(isinstance(family, Tabular), "family", config.family, f"finite for {kinds}")
    if config.gradients == "exact":
        what = f"'sampled': {config.algorithm} reads episodes"
        require(not algorithm.episodic, "gradients", config.gradients, what)
        tricks = ("reward_noise", "reward_cliff", "weight_cap", "attack")
        for name in (*tricks, "per_decision", "whiten", "per_step_mean"):
            off = type(config).model_fields[name].default
            require(getattr(config, name) == off, name, getattr(config, name), NO_EPISODES)
        require(config.baseline == "none", "baseline", config.baseline, NO_EPISODES)
    if algorithm.actor_critic:
        allowed = f"off: {config.algorithm} has advantages of its own"
        for name in ESTIMATED:
            off = type(config).model_fields[name].default
            require(getattr(config, name) == off, name, getattr(config, name), allowed)
    if config.normalise != "none":
        vectors = isinstance(family.observation_space, spaces.Box)
        allowed = "'none': a finite MDP has no numbers to normalise"
        require(vectors, "normalise", config.normalise, allowed)
        allowed = "'none': the server steps"
        require(algorithm.update_site == "agents", "normalise", config.normalise, allowed)
        allowed = "false with normalise: ∇J is not that of normalised rewards"
        require(not config.evaluation_gradients, "evaluation_gradients", True, allowed)
    if algorithm.update_site == "server":
        require(config.baseline == "none", "baseline", config.baseline, "'none': the server steps")
    if config.segment is not None:
        _check_segment(config, family, algorithm)
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
    if config.attack is not None:
        few = config.attack.agents < config.agents
        allowed = f"fewer than the {config.agents} agents"
        require(few, "attack.agents", config.attack.agents, allowed)
    if config.evaluation_gradients:
        count = config.evaluation_episodes
        require(count >= 2 or finite, "evaluation_episodes", count, "at least 2: two halves")


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
