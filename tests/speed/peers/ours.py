"""fedrl: rounds of FedSVRPG-M from the job's parameters, seeds shared over processes.

usage: ours.py JOB.json CORES FIRST. Takes the seeds FIRST, FIRST + CORES, …
"""

import json
import sys
import time
from pathlib import Path

import torch

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import one_thread
from fedrl.benchmark.training.rounds.round import round_
from fedrl.benchmark.training.rounds.round import start as start_training


def main(job, cores, first):
    settings = {name: job[name] for name in ("agents", "local_steps", "episodes", "step_size")}
    options = {"horizon": job["horizon"]}
    config = Config(family="cartpole", algorithm="fedsvrpg-m", options=options, **settings)
    seeds = range(first, job["seeds"], cores)
    program, state, roster = start_training([Run(config, Seed("test", seed)) for seed in seeds])
    theta = torch.tensor([job["start"][seed] for seed in seeds], dtype=state.server.theta.dtype)
    state = state._replace(server=state.server._replace(theta=theta, previous=theta.clone()))
    state = round_(program, state, roster)  # compiled
    before, started = state.ledger, time.perf_counter()
    worked = time.process_time()
    for _ in range(job["rounds"]):
        state = round_(program, state, roster)
    seconds = time.perf_counter() - started
    cpu = time.process_time() - worked
    real = int((state.ledger.steps - before.steps).sum())
    lane = int((state.ledger.trajectories - before.trajectories).sum()) * job["horizon"]
    rates = {"real_steps_per_second": real / seconds, "lane_steps_per_second": lane / seconds}
    print(json.dumps({"name": "fedrl", **rates, "seconds": seconds, "cpu_seconds": cpu}))


with one_thread(), torch.no_grad():
    main(json.loads(Path(sys.argv[1]).read_text()), *map(int, sys.argv[2:4]))
