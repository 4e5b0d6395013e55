"""Laws of the Gymnasium view: one agent, the same dynamics, to the last bit."""

import warnings
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.conformance.draws import draw
from fedrl.benchmark.conformance.dynamics import parameters, played, policy_of, stream_of
from fedrl.benchmark.conformance.verdict import hold, hold_refused, hold_same
from fedrl.benchmark.training.noise import START, uniform_lanes
from fedrl.benchmark.training.rounds.lanes import chosen
from fedrl.envs.family import Array, Family
from fedrl.envs.views.gym import OWN_KEYWORDS, FamilyEnv

Kind = type[Family]
# Velocities have no bound; Gymnasium's CartPole-v1 and HalfCheetah-v5 are warned about likewise.
UNUSUAL = (
    "A Box observation space m",
    "A Box action space m",  # of a linear system: every real number is an action
    "For Box action spaces, we recommend",  # Gymnasium's Pendulum-v1 is warned about likewise
)


def experienced(env: Any, episodes: int = 1, steps: int = 25) -> list[Any]:
    """Everything seen in episodes seeded 0, 1, ... under the same random actions."""
    env.action_space.seed(1)  # an environment keeps its space, a family makes a new one
    plan = [env.action_space.sample() for _ in range(steps)]
    seen: list[Any] = []
    for seed in range(episodes):
        seen.append(np.asarray(env.reset(seed=seed)[0]).tolist())
        for action in plan:
            observation, reward, terminated, truncated, _ = env.step(action)
            seen.append((np.asarray(observation).tolist(), reward, terminated, truncated))
            if terminated or truncated:
                break
    return seen


def gymnasiums_checker_is_content(kind: Kind) -> None:
    """At κ = 0 and κ = 1, without a warning but that velocities have no bound."""
    for kappa in (0.0, 1.0):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check_env(FamilyEnv(kind, kappa=kappa, agent=1), skip_render_check=True)
        messages = [str(w.message) for w in caught]
        told = [m for m in messages if not any(known in m for known in UNUSUAL)]
        hold(not told, f"Gymnasium's checker says at κ = {kappa}: {told[0] if told else ''}")


def the_seed_decides_the_episode(kind: Kind) -> None:
    """`reset(seed=...)` gives the same episode in another environment, and again in this one."""
    env = FamilyEnv(kind)
    first = experienced(env, episodes=3)
    hold(experienced(FamilyEnv(kind), episodes=3) == first, "a seed gives two different episodes")
    hold(experienced(env, episodes=3) == first, "a second reset with a seed gives another episode")


def the_horizon_truncates(kind: Kind) -> None:
    """An episode that nothing ends is truncated at step T, not before."""
    for horizon in (1, 3):
        seen = experienced(FamilyEnv(kind, horizon=horizon))[1:]
        ended = [terminated for _, _, terminated, _ in seen]
        hold(len(seen) <= horizon, f"an episode of {len(seen)} steps at horizon {horizon}")
        stops = [truncated for *_, truncated in seen]
        if not any(ended):
            expected = [False] * (horizon - 1) + [True]
            hold(stops == expected, f"an episode must be truncated at step {horizon}")


def an_episode_that_ended_needs_a_reset(kind: Kind) -> None:
    """Before the first reset and after the end, `step` raises ResetNeeded."""
    env = FamilyEnv(kind, horizon=1)
    for when in ("before the first reset", "after the end of an episode"):
        try:
            env.step(env.action_space.sample())
        except ResetNeeded:
            experienced(env, steps=1)
            continue
        hold(False, f"a step is possible {when}")


def actions_of_another_space_are_refused(kind: Kind) -> None:
    """-1 is neither an index nor a vector."""
    env = FamilyEnv(kind)
    env.reset(seed=0)
    wrong: Any = -1 if env.action_space.shape == () else np.zeros((7, 7))
    hold_refused(lambda: env.step(wrong), ["action is"], "an action outside of the space")


def misspelt_keywords_name_the_nearest(kind: Kind) -> None:
    """Options, knobs and keywords of the view."""
    for right, wrong in (("horizon", "horizont"), ("kappa", "kapa"), ("task_seed", "taskseed")):
        _refuses(kind, wrong, 1, f"did you mean {right!r}")
    for knob in kind.knobs:
        _refuses(kind, knob + knob[-1], 1.0, f"did you mean {knob!r}")


def impossible_knob_values_are_refused(kind: Kind) -> None:
    """Not a number, not finite, or below what is physically possible."""
    for name, knob in kind.knobs.items():
        below = [knob.minimum - 0.5] if np.isfinite(knob.minimum) else []
        for value in (np.nan, np.inf, "much", *below):
            _refuses(kind, name, value, f"{name} is", "must be a finite number")


def wrong_agents_seeds_levels_and_modes_are_refused(kind: Kind) -> None:
    """Negative ones, fractions, and pictures that do not exist."""
    for keyword, value in (("agent", -1), ("agent", 0.5), ("task_seed", -1), ("kappa", -0.1)):
        _refuses(kind, keyword, value, f"{keyword} is")
    _refuses(kind, "render_mode", "smell", "no render mode")


def no_two_settings_share_a_name(kind: Kind) -> None:
    """Options, knobs and the view's own keywords are one flat list of keywords."""
    family = kind()
    options = {field for field in vars(family) if field != "knobs"}
    shared = (options & set(family.knobs)) | (set(OWN_KEYWORDS) & (options | set(family.knobs)))
    hold(not shared, f"{', '.join(sorted(shared))} names two things")


def an_agent_of_a_run_has_the_same_mdp_in_the_view(kind: Kind) -> None:
    """The view of agent i of a task seed is row i of what a run draws."""
    seed = Seed("test", 3)
    federation = kind().sample(5, 0.7, seed.generator("environment"))
    for agent in (0, 2, 4):
        row = chosen(federation, slice(agent, agent + 1))
        for task_seed in (seed.generator("environment"), seed.key("environment")):
            env = FamilyEnv(kind, kappa=0.7, agent=agent, task_seed=task_seed)
            hold_same(env.task, row, f"agent {agent} of the view has another MDP than in a run")


class _Dice:
    """Hands out given numbers instead of drawing any."""

    def __init__(self, numbers: list[Array]) -> None:
        self.numbers = iter(numbers)

    def random(self, size: int) -> Array:
        row = next(self.numbers)
        hold(row.shape == (size,), "the view asks for another number of random numbers")
        return row


def the_view_and_the_engine_agree_step_for_step(kind: Kind) -> None:
    """The view replays the engine's actions on the engine's numbers: every bit is the same."""
    for kappa in (0.0, 0.8):
        _replay(kind, kappa)


def _replay(kind: Kind, kappa: float) -> None:
    family, policy = kind(horizon=40), policy_of(kind)
    agents, agent, b = np.arange(3), 1, 1
    episodes = played(family, draw(family, 3, kappa, 6), parameters(kind, 3), agents)
    env: Any = FamilyEnv(kind, horizon=40, kappa=kappa, agent=agent, task_seed=6)

    def numbers(count: int, at: int) -> Array:
        out = np.empty((6, count))
        uniform_lanes(out, *stream_of(agents), 2, at)
        return out[2 * agent + b]

    draws, length = policy.draws + env.lane.step_draws, int(episodes.length[agent, b])
    blocks = (draws + 1) // 2
    env.np_random = _Dice(
        [numbers(env.lane.start_draws, START)]
        + [numbers(draws, t * blocks)[policy.draws :] for t in range(length)]
    )
    observation, _ = env.reset()
    for t in range(length):
        same = np.array_equal(episodes.observation[agent, b, t], np.atleast_1d(observation))
        hold(same, f"the view and the engine observe different things at step {t}, κ = {kappa}")
        action: Any = episodes.action[agent, b, t]
        action = action if env.action_space.shape else int(action[0])
        observation, reward, terminated, truncated, _ = env.step(action)
        same = reward == episodes.reward[agent, b, t]
        hold(same, f"the view and the engine pay different rewards at step {t}, κ = {kappa}")
        ended = (terminated or truncated) == (t + 1 == length)
        hold(ended, f"the episode ends at another step in the view, κ = {kappa}")


def _refuses(kind: Kind, keyword: str, value: Any, *words: str) -> None:
    settings: dict[str, Any] = {keyword: value}
    hold_refused(lambda: FamilyEnv(kind, **settings), words, f"{keyword} = {value!r}")


LAWS = (
    gymnasiums_checker_is_content,
    the_seed_decides_the_episode,
    the_horizon_truncates,
    an_episode_that_ended_needs_a_reset,
    actions_of_another_space_are_refused,
    misspelt_keywords_name_the_nearest,
    impossible_knob_values_are_refused,
    wrong_agents_seeds_levels_and_modes_are_refused,
    no_two_settings_share_a_name,
    an_agent_of_a_run_has_the_same_mdp_in_the_view,
    the_view_and_the_engine_agree_step_for_step,
)
