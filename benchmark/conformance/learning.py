"""Laws of an algorithm within the federated loop."""

from copy import deepcopy
from dataclasses import fields
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

from fedrl.algorithms.algorithm import Algorithm
from fedrl.benchmark.config import registry
from fedrl.benchmark.conformance.probe import (
    SMALL,
    Batch,
    Kind,
    counted,
    first_directions,
    listener,
    moves,
    parameters_of,
    reordered,
    rounds_of,
    run_of,
    started,
    trained,
)
from fedrl.benchmark.conformance.verdict import hold, hold_refused, hold_same, same_bits
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.record import RunResult, RunState
from fedrl.benchmark.training.rounds.round import start
from fedrl.envs.validation import nearest


def it_is_a_frozen_value_with_documented_hyperparameters(kind: Kind) -> None:
    """Reference, equation, and for every hyperparameter a default inside its ranges."""
    decorated = vars(kind).get("__dataclass_params__")
    hold(decorated is not None and decorated.frozen, "it must be a frozen dataclass")
    hold(getattr(kind, "reference", ""), "reference must say where the algorithm is defined")
    documented = "u =" in (kind.direction.__doc__ or "")
    hold(documented, "the docstring of direction must be the equation, u = …")
    for parameter in fields(kind):
        hold(
            parameter.name in kind.tunables() or parameter.name in kind.structure(),
            f"{parameter.name} must be a tunable(default, low=, high=, domain=, meaning=) or a "
            "structural(default, meaning=)",
        )
        hold(parameter.metadata["meaning"], f"{parameter.name} must have a meaning")
    for name, parameter in kind.structure().items():
        smallest = parameter.metadata["least"]
        if smallest is not None:
            hold(parameter.default >= smallest, f"{name} must have a default of {smallest} or more")
            words = [f"{name} is", f"must be at least {smallest}"]
            call = partial(kind, **{name: smallest - 1})
            hold_refused(call, words, f"{name} = {smallest - 1}")
    for parameter in kind.tunables().values():
        (least, most), details = parameter.metadata["domain"], parameter.metadata
        value: Any = parameter.default
        ordered = least <= details["low"] <= value <= details["high"] <= most
        hold(ordered, f"{parameter.name} must have domain ⊇ [low, high] ∋ default")
        name, call = parameter.name, partial(kind, **{parameter.name: most + 1})
        hold_refused(call, [f"{name} is", "must be in"], f"{name} = {most + 1:g}")


def it_meets_the_mdps_of_every_algorithm(kind: Kind) -> None:
    """The seed of a run decides its MDPs, whatever the algorithm and its settings."""
    run = run_of(kind)
    expected = run.config.build_family().sample(3, 0.8, run.seed.generator("environment"))
    for other in (run, run_of(kind, local_steps=1, step_size=0.1, episodes=1)):
        (task,) = started(other).program.tasks
        hold_same(task, expected, "a run must meet the MDPs that its seed draws")


def agents_do_not_see_each_other(kind: Kind) -> None:
    """An agent's first direction is the same, bit for bit, in a larger federation."""
    few, many = (first_directions(run_of(kind, agents=agents)) for agents in (2, 4))
    same = np.array_equal(few, many[: len(few)])
    hold(same, "an agent's first direction changes when other agents are added")


def entry_by_entry_is_one_after_the_other(kind: Kind) -> None:
    """Where an algorithm is `entrywise`: many agents at once give the bits of each by itself."""
    rounds = "fedrl.benchmark.training.rounds"
    for dtype in ("float32", "float64") if kind.entrywise else ():
        runs = [run_of(kind, seed, dtype=dtype) for seed in (0, 1)]
        together = trained(Batch(*start(runs)))
        with (
            patch(f"{rounds}.local.entrywise", lambda algorithm: False),
            patch(f"{rounds}.lifting.entrywise", lambda algorithm: False),
        ):
            apart = trained(Batch(*start(runs)))
        same = np.array_equal(together, apart)
        hold(same, "it is not entrywise: θ is another when agents are computed one by one")


def the_order_of_agents_does_not_matter(kind: Kind) -> None:
    """Agents renumbered, with their MDPs and dice: the same θ but for rounding."""
    # Of two actions both gradients have one magnitude, and rounding would decide which is larger.
    options = {**SMALL["options"], "choices": 3}
    run, order = run_of(kind, episodes=1, options=options), [2, 0, 1]
    one, two = trained(started(run)), trained(reordered(run, order))
    first = one if kind.federated else one[order]
    hold(np.allclose(first, two, rtol=0, atol=1e-12), "renumbering agents changes θ")


def momentum_is_the_mean_of_the_local_directions(kind: Kind) -> None:
    """u_{r+1} = (1/NK) Σ_i Σ_k u: what the server forms is what the agents did."""
    run = run_of(kind, local_steps=1) if kind.synchronous else run_of(kind)
    for momentum, expected in rounds_of(run, 3):
        same = np.allclose(momentum, expected, rtol=0, atol=1e-12)
        hold(same, "u_{r+1} is not the mean of the local directions")


def the_ledger_equals_an_independent_count(kind: Kind) -> None:
    """Steps and episodes as the engine played them; numbers as a listener hears them cross."""
    changes: dict[str, Any] = {"initial_momentum": "batch", "initial_episodes": 7}
    gathers = kind.ready is not Algorithm.ready
    if gathers:  # long enough for a few exchanges
        changes["rounds"] = 4 * SMALL["agents"]
    run = run_of(kind, **changes, snapshot_episodes=3)
    with counted() as count:
        (result,) = train([run])
    listened, heard = listener(kind)
    (overheard,) = train([run_of(listened, **changes, snapshot_episodes=3)])
    agents, rounds, d = SMALL["agents"], run.config.rounds, parameters_of(run)
    exchanges = rounds * (SMALL["local_steps"] if kind.synchronous else 1)
    steppers = agents if kind.update_site == "agents" and not kind.asynchronous else 1
    each = run.config.batch_steps if kind.generative else SMALL["episodes"]
    trajectories = rounds * SMALL["local_steps"] * each * kind.batches * steppers
    trajectories += exchanges * 3 * agents * kind.snapshot
    trajectories += 7 * agents * kind.uses_global_momentum
    trajectories *= not kind.model_based
    last = {name: column[-1] for name, column in result.columns.items()}
    hold(count["trajectories"] == trajectories, "the engine plays another number of episodes")
    same = np.array_equal(result.parameters, overheard.parameters)
    hold(same, "the algorithm is another one when somebody listens")
    first = agents * d * kind.uses_global_momentum  # agents hear u_0 before the first round
    share = 1.0  # of the rounds in which numbers cross, times how many agents' they are
    if gathers:
        share = agents * moves(run) / rounds
        hold(share > 0, f"the server does not step in {rounds} arrivals")
    expected = {
        "steps_total": count["steps"],
        "trajectories_total": trajectories,
        "steps_per_agent": count["steps"] / agents,
        "floats_up": share * sum(heard.up) / agents * kind.federated,
        "floats_down": (share * sum(heard.down) + first) / agents * kind.federated,
    }
    for name, value in expected.items():
        hold(last[name] == value, f"the ledger's {name} is {last[name]}; counted: {value}")


def evaluation_is_free_and_changes_nothing(kind: Kind) -> None:
    """Evaluated in every round or at the end only: the last row is the same."""
    (often,), (seldom,) = (train([run_of(kind, evaluate_every=every)]) for every in (1, 4))
    for name, column in often.columns.items():
        same = same_bits(column[-1:], seldom.columns[name][-1:])
        hold(same, f"evaluating more often changes {name}")


def it_learns_from_exact_truth(kind: Kind) -> None:
    """Ascent: a long run with a small step improves the average objective."""
    (result,) = train([run_of(kind, rounds=60, step_size=0.05, episodes=10)])
    first, last = result.columns["objective"][[0, -1]]
    hold(last > first + 0.02, f"sixty rounds bring the mean J from {first:.3f} to {last:.3f} only")


def it_is_what_it_contains(kind: Kind) -> None:
    """At the values that `contains` names, θ is the other algorithm's, bit for bit."""
    known = registry.algorithms()
    for name, values in kind.contains.items():
        hold(
            name in known and known[name] is not kind, nearest("algorithm it contains", name, known)
        )
        for value in values:
            hold(value in kind.tunables(), nearest("hyperparameter", value, kind.tunables()))
        for changes in ({}, {"local_steps": 1}, {"participation": 0.7, "server_step_size": 0.5}):
            one = trained(started(run_of(kind, hyperparameters=dict(values), **changes)))
            other = trained(started(run_of(known[name], **changes)))
            at = ", ".join(f"{n} = {v:g}" for n, v in values.items())
            hold(np.array_equal(one, other), f"with {at} its θ is not that of {name}")


def a_run_alone_is_the_run_in_a_batch(kind: Kind) -> None:
    """Other seeds, heterogeneity, step sizes and hyperparameters beside it change no bit."""
    middle = {p.name: (p.default + p.metadata["high"]) / 2 for p in kind.tunables().values()}
    changed: list[dict[str, Any]] = [{}, {"kappa": 0.0}, {"step_size": 0.3}]
    changed.append({"hyperparameters": middle})
    runs = [run_of(kind, seed, **changes) for changes in changed for seed in (0, 4)]
    together = train(runs)
    for one, other in zip(together, train(runs[::-1])[::-1], strict=True):
        _hold_same_bits(one, other, "a run changes with its place in the batch")
    for place in (0, 3, len(runs) - 1):
        (alone,) = train([runs[place]])
        _hold_same_bits(alone, together[place], "a run changes with what else is in its batch")


def a_resumed_run_is_the_uninterrupted_one(kind: Kind) -> None:
    """From the state after every round, bit for bit."""
    run = run_of(kind, initial_momentum="batch", evaluate_every=3)
    states: list[RunState] = []
    with patch("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0):
        (whole,) = train([run], on_state=lambda _, state: states.append(deepcopy(state)))
    hold(len(states) == SMALL["rounds"], "there must be a state after every round")
    for state in states:
        (resumed,) = train([run], states=[state])
        _hold_same_bits(resumed, whole, f"a run that goes on after round {state.round} differs")


def _hold_same_bits(one: RunResult, two: RunResult, sentence: str) -> None:
    hold(one.columns.keys() == two.columns.keys(), sentence)
    for name, column in one.columns.items():
        hold(same_bits(column, two.columns[name]), f"{sentence}; {name} differs")
    hold(np.array_equal(one.parameters, two.parameters), f"{sentence}; θ differs")


LAWS = (
    it_is_a_frozen_value_with_documented_hyperparameters,
    it_meets_the_mdps_of_every_algorithm,
    agents_do_not_see_each_other,
    entry_by_entry_is_one_after_the_other,
    the_order_of_agents_does_not_matter,
    momentum_is_the_mean_of_the_local_directions,
    the_ledger_equals_an_independent_count,
    evaluation_is_free_and_changes_nothing,
    it_learns_from_exact_truth,
    it_is_what_it_contains,
    a_run_alone_is_the_run_in_a_batch,
    a_resumed_run_is_the_uninterrupted_one,
)
