"""Scores of a batch on the way, and what they are measured against.  Never charged."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch.func import vmap

from fedrl.algorithms import Trajectories
from fedrl.algorithms.estimators.policy import Table, TabularSoftmax
from fedrl.benchmark.training.batch import Batch
from fedrl.benchmark.training.diagnostics import PREFIX
from fedrl.benchmark.training.evaluate import Scores, evaluate
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.envs.family import Array
from fedrl.envs.finite.tabular import Tabular


def evaluate_due(batch: Batch, due: Array) -> None:
    """Add a point to the records of the active runs that are due."""
    scores = scores_of(batch, batch.server.theta.numpy())
    finite = np.all(np.isfinite(scores.objective), axis=1)
    agents, config_shares = batch.config.agents, batch.config.shares
    for place, position in enumerate(batch.active):
        mine = slice(place * batch.split, (place + 1) * batch.split)
        if not due[place] or (batch.round > 0 and not finite[mine].all()):
            continue
        undiscounted = scores.undiscounted[mine].reshape(-1)
        steps, trajectories, up, down = (int(part[mine].sum()) for part in batch.ledger)
        batch.records[position].point(
            {
                "round": batch.round,
                "steps_per_agent": steps / agents,
                "trajectories_per_agent": trajectories / agents,
                "steps_total": steps,
                "trajectories_total": trajectories,
                "floats_up": up / agents,
                "floats_down": down / agents,
                "objective": float(scores.objective[mine].reshape(-1) @ config_shares),
                "return": float(undiscounted @ config_shares),
                "return_worst": undiscounted.min(),
                "return_best": undiscounted.max(),
                "stationarity": scores.stationarity[mine].mean(),
                "heterogeneity": scores.heterogeneity[mine].mean(),
            }
            | {PREFIX + name: values[mine].mean() for name, values in batch.inside.items()}
        )
    if batch.round > 0:
        batch.drop(~finite & np.repeat(due, batch.split))


def scores_of(batch: Batch, theta: Array) -> Scores:
    """Scores of all federations at theta (G, d) in their own MDPs, on the evaluation stream."""
    stream = batch.stream("evaluation", batch.round)
    episodes = batch.config.evaluation_episodes
    cliff, shares = batch.config.reward_cliff, batch.config.shares
    weights = shares if batch.split == 1 else np.ones(1)
    plain = partial(slopes, batch) if batch.config.evaluation_gradients else None
    return evaluate(
        batch.family, batch.sampler, theta, stream, episodes, cliff, weights=weights, plain=plain
    )


def slopes(batch: Batch, theta: Array, played: Episodes) -> Array:
    """Plain gradients (L, d) of evaluation episodes."""
    points = torch.from_numpy(theta)
    value = torch.zeros(played.reward.shape, dtype=points.dtype)
    parts = (torch.from_numpy(np.ascontiguousarray(part)) for part in played)
    episodes = Trajectories(*parts, points, value)  # type: ignore[call-arg]
    return vmap(batch.gradients.plain)(points, episodes).numpy()


def constants(batch: Batch, position: int) -> dict[str, Any]:
    """What a report measures a run against; the random policy has all parameters zero."""
    run, task = batch.runs[position], batch.tasks[position]
    agents = np.arange(batch.config.agents)
    keys = np.full(batch.config.agents, run.seed.key("random-policy"), np.uint64)
    policy = batch.policy
    if isinstance(policy, Table):  # of a table that is π or Q, zeros are no policy
        policy = TabularSoftmax(policy.states, policy.actions)
    sampler = Sampler(batch.family, policy, task, batch.threads)
    theta = np.zeros((1, policy.size), batch.dtype)
    scores = evaluate(
        batch.family,
        sampler,
        theta,
        Stream(keys, agents, 0),
        batch.config.evaluation_episodes,
        batch.config.reward_cliff,
    )
    metric = batch.family.metric
    random = scores.objective if metric == "objective" else scores.undiscounted
    weighted, caveat = task, batch.config.caveat
    if batch.config.agent_weights is not None and isinstance(batch.family, Tabular):
        scale = (batch.config.shares * batch.config.agents)[:, None, None]
        weighted = task._replace(reward=task.reward * scale)
    elif batch.config.agent_weights is not None:
        caveat += ", of equal weights"
    reference = batch.family.reference(weighted)
    return {
        "metric": metric,
        "random": float(random.reshape(-1) @ batch.config.shares),
        "reference": np.nan if reference is None else reference.value,
        "reference_meaning": "" if reference is None else reference.meaning + caveat,
    }
