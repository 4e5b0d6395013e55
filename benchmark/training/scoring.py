"""Scores of runs on the way, and what they are measured against.  Never charged."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.func import vmap

from fedrl.algorithms import Trajectories
from fedrl.algorithms.estimators.policy import Table, TabularSoftmax
from fedrl.benchmark.training.diagnostics import PREFIX
from fedrl.benchmark.training.evaluate import Scores, evaluate
from fedrl.benchmark.training.messages.privacy import epsilon
from fedrl.benchmark.training.record import Record
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.benchmark.training.rounds.lanes import Roster
from fedrl.benchmark.training.rounds.lifting import lift
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.state import State, acting, federations_of, personalised
from fedrl.envs.family import Array
from fedrl.envs.finite.tabular import Tabular, softmax

AGENT = "agent_score_"  # prefix of the columns of agents
SENT = ("floats_up", "floats_down", "bits_up", "bits_down")


def score(
    program: Program, state: State, roster: Roster, records: Sequence[Record], due: Array
) -> Array:
    """Add a point to the records of the active runs that are due, unless it is not finite.

    Returns which of the active runs have lost their way: due, and with a score that is not finite.
    A run that has no finite score to begin with keeps that point: its record is not empty.
    """
    scores = scores_of(program, state, roster, state.server.theta.numpy())
    errors = value_errors(program, state, roster)
    config = program.config
    agents, shares, lost = config.agents, config.shares, np.zeros(len(due), bool)
    for place, position in enumerate(state.active):
        mine = federations_of(program, place)
        lost[place] = due[place] and not np.isfinite(scores.objective[mine]).all()
        if not due[place] or (state.round > 0 and lost[place]):
            continue
        undiscounted = scores.undiscounted[mine].reshape(-1)
        used = {name: int(part[mine].sum()) for name, part in state.ledger._asdict().items()}
        records[position].point(
            {
                "round": state.round,
                "steps_per_agent": used["steps"] / agents,
                "trajectories_per_agent": used["trajectories"] / agents,
                "steps_total": used["steps"],
                "trajectories_total": used["trajectories"],
                **{name: used[name] / agents for name in SENT},
                "simulated_seconds": float(state.now[mine].max()),
                "objective": float(np.sum(scores.objective[mine].reshape(-1) * shares)),
                "return": float(np.sum(undiscounted * shares)),
                "return_worst": undiscounted.min(),
                "return_best": undiscounted.max(),
                "stationarity": scores.stationarity[mine].mean(),
                "heterogeneity": scores.heterogeneity[mine].mean(),
            }
            | privacy_spent(program, state, place)
            | agent_scores(program, scores, mine)
            | {name: float(values[mine].mean()) for name, values in errors.items()}
            | {PREFIX + name: values[mine].mean() for name, values in state.diagnostics.items()}
        )
    return lost


def privacy_spent(program: Program, state: State, place: int) -> dict[str, float]:
    """ε so far of the active run at `place`, if it has privacy."""
    config = program.config
    if config.privacy is None or not program.algorithm.federated:
        return {}
    releases = state.releases[place].numpy()
    return {"epsilon": epsilon(config.privacy, releases, config.agents, config.present)}


def value_errors(program: Program, state: State, roster: Roster) -> dict[str, Array]:
    """Σ_i w_i max_{s,a} |Q(s,a) - Q_i(s,a)| of algorithms that estimate Q: (G,).

    Q_i is of the infinite horizon, for the policy whose values the algorithm estimates.
    """
    algorithm, family = program.algorithm, program.family
    if algorithm.values_of is None or not isinstance(family, Tabular):
        return {}
    theta = state.server.theta
    found = lift(algorithm, "values", roster.hyperparameters, theta).numpy()
    task, shape = roster.all_agents.sampler.task, (family.states, family.actions)
    count = program.agents_per_federation
    policy = None
    if algorithm.values_of != "optimal":
        logits = theta.numpy() * (algorithm.values_of == "followed")
        policy = softmax(np.repeat(logits, count, axis=0).reshape(-1, *shape))
    away = np.repeat(found, count, axis=0).reshape(-1, *shape) - family.action_values(task, policy)
    largest = np.abs(away).max(axis=(1, 2)).reshape(-1, count)
    return {"value_error": np.sum(largest * program.config.shares, axis=-1)}  # a row by itself


def agent_scores(program: Program, scores: Scores, mine: slice) -> dict[str, float]:
    """The score of every agent of a run, by the family's metric, if records shall have it."""
    if not program.config.agent_scores:
        return {}
    exact = program.family.metric == "objective"
    values = (scores.objective if exact else scores.undiscounted)[mine].reshape(-1)
    return {f"{AGENT}{agent}": float(value) for agent, value in enumerate(values)}


def scores_of(program: Program, state: State, roster: Roster, theta: Array) -> Scores:
    """Scores of all federations at theta (G, d) in their own MDPs, on the evaluation stream."""
    config, lanes = program.config, roster.all_agents

    def played(points: Array) -> Array:
        own = acting(program, state, lanes.rows, torch.from_numpy(points))
        own = own[:, : program.policy.size]
        return state.normaliser.acting(lanes.rows, own.numpy())

    scores = evaluate(
        program.family,
        lanes.sampler,
        theta,
        lanes.stream(program, "evaluation", state.round),
        config.evaluation_episodes,
        config.reward_cliff,
        weights=config.shares if program.federations_per_run == 1 else np.ones(1),
        plain=partial(slopes, program) if config.evaluation_gradients else None,
        acting=played,
    )
    if personalised(program):  # ∇J is that of common parameters
        nothing = np.full(len(theta), np.nan)
        scores = scores._replace(stationarity=nothing, heterogeneity=nothing)
    return scores


def slopes(program: Program, theta: Array, played: Episodes) -> Array:
    """Plain gradients (L, d) of evaluation episodes."""
    points = torch.from_numpy(theta)
    value = torch.zeros(played.reward.shape, dtype=points.dtype)
    parts = (torch.from_numpy(np.ascontiguousarray(part)) for part in played)
    episodes = Trajectories(*parts, points, value)  # type: ignore[call-arg]
    return vmap(program.gradients.plain)(points, episodes).numpy()


def constants(program: Program, position: int) -> dict[str, Any]:
    """Returns that a report measures a run against; the random policy has all parameters zero."""
    run, task = program.runs[position], program.tasks[position]
    agents = np.arange(program.config.agents)
    keys = np.full(program.config.agents, run.seed.key("random-policy"), np.uint64)
    policy = program.policy
    if isinstance(policy, Table):  # no Q makes a greedy policy random
        policy = TabularSoftmax(policy.states, policy.actions)
    sampler = Sampler(program.family, policy, task, program.threads)
    theta = policy.uniform()[np.newaxis].astype(program.dtype)
    scores = evaluate(
        program.family,
        sampler,
        theta,
        Stream(keys, agents, 0),
        program.config.evaluation_episodes,
        program.config.reward_cliff,
    )
    metric = program.family.metric
    random = scores.objective if metric == "objective" else scores.undiscounted
    weighted, caveat = task, program.config.caveat
    if program.config.agent_weights is not None and isinstance(program.family, Tabular):
        scale = (program.config.shares * program.config.agents)[:, None, None]
        weighted = task._replace(reward=task.reward * scale)
    elif program.config.agent_weights is not None:
        caveat += ", of equal weights"
    reference = program.family.reference(weighted)
    return {
        "metric": metric,
        "random": float(np.sum(random.reshape(-1) * program.config.shares)),
        "reference": np.nan if reference is None else reference.value,
        "reference_meaning": "" if reference is None else reference.meaning + caveat,
    }
