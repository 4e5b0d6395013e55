"""JAX: a whole round of FedSVRPG-M jitted, vmapped over seeds and agents.

usage: jax_round.py JOB.json CORES float32|float64. With several cores, seeds are sharded over them.
"""

import json
import os
import sys
import time
from pathlib import Path

JOB = json.loads(Path(sys.argv[1]).read_text())
CORES, DTYPE = int(sys.argv[2]), sys.argv[3]
DEVICES = max(n for n in range(1, CORES + 1) if JOB["seeds"] % n == 0)  # equal shares
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.sharding import Mesh, NamedSharding, PartitionSpec  # noqa: E402

jax.config.update("jax_enable_x64", DTYPE == "float64")
T, B, K, BETA, STEP_SIZE = (
    JOB[k] for k in ("horizon", "episodes", "local_steps", "beta", "step_size")
)
POWERS = jnp.asarray(JOB["discount"] ** np.arange(T), DTYPE)


def log_policy(theta, x):
    """log π_θ(· | x): (d,), (..., 4) -> (..., 2)."""
    at = 0
    for layer, (rows, columns) in enumerate(zip(JOB["shape"], JOB["shape"][1:], strict=False)):
        weight = theta[at : at + rows * columns].reshape(rows, columns)
        at += (rows + 1) * columns
        x = x @ weight + theta[at - columns : at]
        if layer < len(JOB["shape"]) - 2:
            x = jnp.tanh(x)
    return jax.nn.log_softmax(x)


def transition(state, action):
    """CartPole-v1, and whether the pole fell."""
    x, v, angle, spin = state
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    push = (jnp.where(action == 1, 10.0, -10.0) + 0.05 * spin**2 * sine) / 1.1
    turn = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    slide = push - 0.05 * turn * cosine / 1.1
    state = jnp.stack([x + 0.02 * v, v + 0.02 * slide, angle + 0.02 * spin, spin + 0.02 * turn])
    return state, (jnp.abs(state[0]) > 2.4) | (jnp.abs(state[2]) > 12 * jnp.pi / 180)


def play(theta, key):
    """One episode, padded: observations (T, 4), actions (T,), alive (T,)."""
    first, second = jax.random.split(key)

    def step(carry, uniform):
        state, alive = carry
        action = (uniform < jnp.exp(log_policy(theta, state)[1])).astype(jnp.int32)
        following, fallen = transition(state, action)
        return (jnp.where(alive, following, state), alive & ~fallen), (state, action, alive)

    start = jax.random.uniform(first, (4,), DTYPE, -0.05, 0.05)
    return jax.lax.scan(step, (start, True), jax.random.uniform(second, (T,), DTYPE))[1]


def direction(theta, previous, momentum, observation, action, alive):
    """g(θ) + (1 - β) [u_r - w g(θ_{r-1})]."""
    reward = jnp.where(alive, POWERS, 0.0)
    to_go = jnp.flip(jnp.cumsum(jnp.flip(reward)))

    def surrogate(x):
        chosen = jnp.take_along_axis(log_policy(x, observation), action[:, None], 1)[:, 0] * alive
        return jnp.sum(to_go * chosen), jnp.sum(chosen)

    fresh, log_prob = jax.grad(surrogate, has_aux=True)(theta)
    stale, log_prob_before = jax.grad(surrogate, has_aux=True)(previous)
    return fresh + (1 - BETA) * (momentum - jnp.exp(log_prob_before - log_prob) * stale)


def mean_direction(theta, previous, momentum, *episodes):
    """The same of B episodes, (B, T, …) each."""
    each = jax.vmap(direction, (None, None, None, 0, 0, 0))
    return jnp.mean(each(theta, previous, momentum, *episodes), 0)


def one_round(theta, previous, momentum, steps, key):
    """Of one seed: K local steps of N agents, then the server's step."""

    def agent(key):
        def local_step(local, key):
            episodes = jax.vmap(play, (None, 0))(local, jax.random.split(key, B))
            local = local + STEP_SIZE * mean_direction(local, previous, momentum, *episodes)
            return local, jnp.sum(episodes[2])

        last, taken = jax.lax.scan(local_step, theta, jax.random.split(key, K))
        return last - theta, jnp.sum(taken)

    key, here = jax.random.split(key)
    moved, taken = jax.vmap(agent)(jax.random.split(here, JOB["agents"]))
    momentum = jnp.mean(moved, 0) / (STEP_SIZE * K)
    return theta + STEP_SIZE * K * momentum, theta, momentum, steps + jnp.sum(taken), key


def main():
    check = {k: jnp.asarray(v, DTYPE) for k, v in JOB["check"].items()}
    alive = jnp.arange(T) < check["length"]
    points = (check["theta"], check["previous"], check["momentum"])
    here = direction(*points, check["observation"], check["action"].astype(int), alive)
    np.testing.assert_allclose(here, check["direction"], atol=1e-5 * np.abs(here).max())

    by_seed = NamedSharding(Mesh(jax.devices(), ("seed",)), PartitionSpec("seed"))
    theta = jnp.asarray(JOB["start"], DTYPE)
    keys = jax.random.split(jax.random.key(0), JOB["seeds"])
    carry = (theta, theta, jnp.zeros_like(theta), jnp.zeros(JOB["seeds"], int), keys)
    run = jax.jit(jax.vmap(one_round), in_shardings=by_seed, out_shardings=by_seed)
    carry = jax.block_until_ready(run(*jax.device_put(carry, by_seed)))
    before, started = int(carry[3].sum()), time.perf_counter()
    worked = time.process_time()
    for _ in range(JOB["rounds"]):
        carry = run(*carry)
    jax.block_until_ready(carry)
    seconds = time.perf_counter() - started
    cpu = time.process_time() - worked
    real, lane = int(carry[3].sum()) - before, JOB["rounds"] * keys.size * JOB["agents"] * K * B * T
    rates = {"real_steps_per_second": real / seconds, "lane_steps_per_second": lane / seconds}
    print(json.dumps({"name": f"jax-{DTYPE}", **rates, "seconds": seconds, "cpu_seconds": cpu}))


main()
