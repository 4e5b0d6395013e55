"""Laws of the page: the same bytes, nothing left out, nothing executed, nothing fetched."""

import hashlib
import html.parser
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports import write_report

SPEED = {"fedsvrpg-m": 3.0, "fedhapg-m": 2.4, "fedpg": 1.2, "scaffold": 0.15}
TOP = {"gridworld": 5.0, "random-mdp": 1.0, "cartpole": 190.0}
START = {"gridworld": -2.0, "random-mdp": 0.2, "cartpole": 20.0}


def synthetic(
    families: tuple[str, ...] = ("gridworld", "random-mdp", "cartpole"),
    kappas: tuple[float, ...] = (0.0, 1.0),
    algorithms: tuple[str, ...] = ("fedsvrpg-m", "fedhapg-m", "fedpg", "scaffold"),
    seeds: int = 5,
    points: int = 20,
    agents: tuple[int, ...] = (4,),
    betas: tuple[float, ...] = (0.2,),
) -> Any:
    """Saturating curves with noise; `scaffold` hardly learns, cartpole has ragged steps."""
    rows: list[dict[str, Any]] = []
    for family in families:
        for kappa in kappas:
            for algorithm in algorithms:
                for n in agents:
                    for beta in betas if algorithm.endswith("-m") else (np.nan,):
                        for seed in range(seeds):
                            rows += _run(family, kappa, algorithm, n, beta, seed, points)
    return pd.DataFrame(rows)


def _run(
    family: str, kappa: float, algorithm: str, n: int, beta: float, seed: int, points: int
) -> list[dict[str, Any]]:
    name = f"{family}|{kappa}|{algorithm}|{n}|{beta}"
    code = int(hashlib.sha256(f"{name}|{seed}".encode()).hexdigest()[:8], 16)
    draw = np.random.default_rng(code)
    shared = np.random.default_rng(seed)
    top = TOP[family] * (1 - 0.15 * kappa) + 0.02 * abs(TOP[family]) * shared.normal()
    start = START[family] + 0.02 * abs(START[family]) * shared.normal()
    speed = SPEED[algorithm] * n**0.3 * (1 - 0.35 * kappa) * np.exp(0.25 * draw.normal())
    if not np.isnan(beta):
        speed *= 1 - abs(beta - 0.2)
    tabular = family != "cartpole"
    reference = {"gridworld": top, "random-mdp": np.nan, "cartpole": 200.0}[family]
    diverged = (algorithm, kappa, seed, family) == ("fedhapg-m", 1.0, 2, "cartpole")
    rows, steps = [], 0.0
    for i in range(points):
        share = i / max(points - 1, 1)
        gain = (1 - np.exp(-speed * 1.6 * share)) * (0.93 - 0.02 * abs(draw.normal()))
        score = start + gain * (top - start) + 0.02 * (top - start) * draw.normal() * (i > 0)
        steps += 0.0 if i == 0 else 600.0 if tabular else round(600 * (1 + 0.1 * draw.normal()))
        rows.append(
            {"study": "smoke", "family": family, "kappa": kappa, "algorithm": algorithm}
            | {"agents": n, "seed": seed, "cell": hashlib.sha256(name.encode()).hexdigest()[:12]}
            | {"local_steps": 5, "episodes": 4, "horizon": 30 if tabular else 200}
            | {"discount": 0.99, "step_size": 0.05 if algorithm == "fedpg" else 0.02}
            | {"server_step_size": 1.0, "beta": beta, "weight_cap": np.nan}
            | {"initial_momentum": "gradient", "dtype": "float64"}
            | {"round": 5 * i, "steps_per_agent": steps, "trajectories_per_agent": 20.0 * i}
            | {"steps_total": steps * n, "trajectories_total": 20 * i * n}
            | {"floats_up": 400 * i, "floats_down": 1200 * i, "seconds": 1.3 * i}
            | {"objective": score if tabular else score / 3, "return": score}
            | {"return_worst": score - kappa, "return_best": score + kappa}
            | {"stationarity": 0.3 * np.exp(-4 * gain + 0.3 * draw.normal()) if tabular else np.nan}
            | {"diverged": diverged, "diverged_round": 61.0 if diverged else np.nan}
            | {"metric": "objective" if tabular else "return", "reference": reference}
            | {"reference_meaning": "optimum by value iteration" if tabular else "solved"}
            | {"random": start}
        )
        if diverged and i == 12:
            break
    return rows


PROVENANCE: dict[str, Any] = {
    "command": "fedrl report smoke",
    "versions": {"python": "3.11", "numpy": "2.4"},
    "machine": {"cpu": "x86_64", "cores": 2, "notes": {"turbo": None, "shared": True}},
    "configuration": {"families": ["gridworld", "cartpole"], "beta": {"low": 0.05, "high": 1.0}},
    "code": "d1ge57",
    "runs": {"finished": 118, "expected": 120, "missing": ["cartpole/fedpg/3", "cartpole/fedpg/4"]},
    "cells": [{"cell": "a1", "kappa": 0.0}, {"cell": "b2", "kappa": 1.0}],
}
