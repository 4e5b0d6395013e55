"""Laws of what a family draws: a function of (agents, κ, generator) and of nothing else."""

import math
from functools import partial
from typing import Any

import numpy as np

from fedrl.benchmark.config.tuned.task_digest import digest_of
from fedrl.benchmark.conformance.digests import DIGESTS
from fedrl.benchmark.conformance.verdict import hold, hold_refused, hold_same
from fedrl.benchmark.training.rounds.lanes import chosen
from fedrl.envs import FAMILIES
from fedrl.envs.family import Array, Family, perturb

Kind = type[Family]
LEVEL = 0.7  # a κ that every family can express


def generator(seed: int = 5) -> np.random.Generator:
    """The generator of seed `seed` of these laws."""
    return np.random.Generator(np.random.PCG64(seed))


def draw(family: Family, agents: int = 3, kappa: float = LEVEL, seed: int = 5) -> Any:
    """MDPs of some agents."""
    return family.sample(agents, kappa, generator(seed))


def actions_of(family: Family, count: int) -> list[Array]:
    """Random actions (a,), the same ones every time."""
    space = family.action_space
    space.seed(1)
    return [np.atleast_1d(space.sample()) for _ in range(count)]


def differs(one: Any, two: Any) -> bool:
    """Whether any array of two tuples differs."""
    return any(not np.array_equal(left, right) for left, right in zip(one, two, strict=True))


def a_task_has_a_row_per_agent(kind: Kind) -> None:
    """A NamedTuple of arrays with leading axis N, all finite."""
    for agents in (1, 4):
        task = draw(kind(), agents)
        hold(hasattr(task, "_fields"), "sample must return a NamedTuple of arrays")
        for name, field in zip(task._fields, task, strict=True):
            fits = isinstance(field, np.ndarray) and field.shape[:1] == (agents,)
            hold(fits, f"{name} of {agents} agents must be an array with leading axis {agents}")
            hold(np.isfinite(field).all(), f"{name} is not finite")


def without_heterogeneity_agents_are_identical(kind: Kind) -> None:
    """κ = 0: bit for bit; with knobs it is the stock MDP, whatever the generator."""
    task = draw(kind(), 4, 0.0)
    for name, field in zip(task._fields, task, strict=True):
        same = np.array_equal(field, np.broadcast_to(field[:1], field.shape))
        hold(same, f"at κ = 0 all agents must have the same MDP; {name} differs")
    if kind.knobs:
        hold_same(task, draw(kind(), 4, 0.0, 6), "at κ = 0 a family with knobs must draw nothing")


def with_heterogeneity_agents_differ(kind: Kind) -> None:
    """κ = 0.1: two agents have different MDPs."""
    task = draw(kind(), 2, 0.1)
    different = differs([field[0] for field in task], [field[1] for field in task])
    hold(different, "at κ = 0.1 two agents have the same MDP; they must differ")


def an_agent_is_the_same_in_a_larger_federation(kind: Kind) -> None:
    """Row i depends on the generator and i, never on N."""
    for kappa in (0.0, LEVEL):
        small, large = draw(kind(), 3, kappa), draw(kind(), 8, kappa)
        few = chosen(large, slice(3))
        hold_same(small, few, f"at κ = {kappa} agents change when others are added")


def only_the_generator_decides(kind: Kind) -> None:
    """Neither numpy's global generator, nor earlier calls, nor the age of the object."""
    family = kind()
    before = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
    first = draw(family)
    after = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
    hold(before == after, "sample must not draw from numpy's global generator")
    state = np.random.get_state()
    try:
        np.random.seed(1)
        draw(family, 7, 0.2, 9)
        hold_same(draw(family), first, "the same generator must give the same MDPs again")
    finally:
        np.random.set_state(state)
    hold_same(draw(kind()), first, "a second object of the family must draw the same MDPs")
    hold(differs(draw(family, seed=6), first), "another generator must give other MDPs")


def the_mdps_do_not_depend_on_how_long_they_are_played(kind: Kind) -> None:
    """All algorithms and settings meet the same MDPs: T and γ belong to the objective."""
    first = draw(kind())
    for setting, value in (("horizon", 7), ("discount", 0.5)):
        other = draw(kind(**{setting: value}))  # type: ignore[arg-type]
        hold_same(other, first, f"another {setting} must not change the MDPs")


def impossible_levels_are_refused(kind: Kind) -> None:
    """κ < 0 or not finite; κ = 50 too wherever a knob would leave what is physically possible."""
    family = kind()
    for kappa in (-0.1, math.nan, math.inf, -math.inf):
        hold_refused(partial(draw, family, 200, kappa), ["kappa"], f"kappa = {kappa}")
    leaves = [k for k in kind.knobs.values() if k.stock + 50 * (k.low - k.stock) <= k.minimum]
    if leaves or not kind.knobs:
        hold_refused(partial(draw, family, 200, 50.0), ["kappa"], "kappa = 50")


def impossible_settings_are_refused(kind: Kind) -> None:
    """No steps; a discount outside (0, 1]."""
    for setting, value in (("horizon", 0), ("discount", 0.0), ("discount", 1.1)):
        call = partial(kind, **{setting: value})  # type: ignore[arg-type]
        hold_refused(call, [f"{setting} is {value}"], f"{setting} = {value}")


def the_family_describes_itself(kind: Kind) -> None:
    """Summary, source, what κ scales, an id; and for every knob its range, unit and meaning."""
    family = kind()
    for name in ("summary", "source", "heterogeneity", "gymnasium_id"):
        hold(getattr(family, name, ""), f"{name} must say something")
    hold(family.metric in ("return", "objective"), "metric must be 'return' or 'objective'")
    for name, knob in family.knobs.items():
        ordered = knob.minimum < knob.low <= knob.stock <= knob.high and knob.low < knob.high
        hold(
            ordered,
            f"knob {name} must have minimum < low <= stock <= high and low < high; it has "
            f"{knob.minimum:g}, {knob.low:g}, {knob.stock:g}, {knob.high:g}",
        )
        hold(knob.unit and knob.meaning, f"knob {name} must have a unit and a meaning")


def knobs_stay_in_their_range(kind: Kind) -> None:
    """At κ = 1 the values lie in [low, high]; at κ = 0 they are stock; in between, in between."""
    family = kind()
    for kappa in (0.0, 0.5, 1.0):
        task = draw(family, 200, kappa)
        for name, knob in family.knobs.items():
            if name not in task._fields:  # the task holds what follows from the knob
                continue
            low = knob.stock + kappa * (knob.low - knob.stock)
            high = knob.stock + kappa * (knob.high - knob.stock)
            values, slack = getattr(task, name), 1e-12 * (1 + abs(knob.high) + abs(knob.low))
            inside = (values >= low - slack).all() and (values <= high + slack).all()
            hold(inside, f"at κ = {kappa} {name} must lie in [{low:g}, {high:g}] {knob.unit}")


def pinned_knobs_are_the_agents_own(kind: Kind) -> None:
    """Pinning all knobs to what an agent drew gives that agent's MDP, whatever κ is."""
    family = kind()
    if not family.knobs:
        return
    values = perturb(family.knobs, family.knobs, 4, 1.0, generator(2))
    federation = family.sample(4, 1.0, generator(2))
    for agent in range(4):
        own = {knob: float(column[agent]) for knob, column in values.items()}
        alone, row = draw(family.pinned(own), 1, 0.3), chosen(federation, slice(agent, agent + 1))
        hold_same(alone, row, f"pinning the knobs of agent {agent} must give its MDP")
    hold(family.knobs is kind.knobs, "pinning must leave the family as it was")


def the_mdps_are_the_published_ones(kind: Kind) -> None:
    """Families of this suite: the digest of what one seed draws never changes."""
    for name, family in FAMILIES.items():
        if family is kind:
            hold(name in DIGESTS, f"{name} has no digest in benchmark/conformance/digests.py")
            found = digest_of(draw(kind()))
            told = f"digest {found}, published {DIGESTS[name]}"
            hold(found == DIGESTS[name], f"seed 5 draws other MDPs than before: {told}")


LAWS = (
    the_family_describes_itself,
    a_task_has_a_row_per_agent,
    without_heterogeneity_agents_are_identical,
    with_heterogeneity_agents_differ,
    an_agent_is_the_same_in_a_larger_federation,
    only_the_generator_decides,
    the_mdps_do_not_depend_on_how_long_they_are_played,
    the_mdps_are_the_published_ones,
    impossible_levels_are_refused,
    impossible_settings_are_refused,
    knobs_stay_in_their_range,
    pinned_knobs_are_the_agents_own,
)
