"""Records of a synthetic study with a design, on analytic response surfaces."""

import hashlib
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import qmc

VALUES = {
    "step_size": [0.25, 0.5, 1.0, 2.0],
    "local_steps": [1.0, 5.0, 20.0],
    "server_step_size": [0.5, 1.0, 2.0],
    "beta": [0.1, 0.2, 0.5, 0.8],
}
SPACE = {
    name: {"values": values, "relative": name == "step_size"} for name, values in VALUES.items()
}
WITHOUT_BETA = ("fedpg", "scaffold-pg")
TOP = {"gridworld": 5.0, "random-mdp": 1.0, "cartpole": 190.0}
START = {"gridworld": -2.0, "random-mdp": 0.2, "cartpole": 20.0}


def points(kind: str, count: int = 64) -> list[dict[str, float]]:
    """The design as a full grid of VALUES, or as a Sobol set between their ends."""
    if kind == "grid":
        return [dict(zip(VALUES, point, strict=True)) for point in product(*VALUES.values())]
    draw = qmc.Sobol(len(VALUES), rng=1).random(count)
    found = []
    for row in draw:
        point = {}
        for (name, values), u in zip(VALUES.items(), row, strict=True):
            point[name] = float(f"{values[0] * (values[-1] / values[0]) ** u:.4g}")
        found.append(point | {"local_steps": float(round(point["local_steps"]))})
    return found


def designed(
    kind: str = "grid",
    families: tuple[str, ...] = ("gridworld", "random-mdp", "cartpole"),
    kappas: tuple[float, ...] = (0.0, 1.0),
    agents: tuple[int, ...] = (4, 16),
    algorithms: tuple[str, ...] = ("fedpg", "fedsvrpg-m", "fedhapg-m", "scaffold-pg"),
    seeds: int = 4,
    evaluations: int = 8,
    noise: float = 0.04,
    count: int = 64,
) -> Any:
    """η wants 1 (less with large K), K wants less at high κ; large η K of momentum diverges."""
    columns: dict[str, list[Any]] = {}
    for family, kappa, n, algorithm in product(families, kappas, agents, algorithms):
        own = [
            p if algorithm not in WITHOUT_BETA else p | {"beta": np.nan}
            for p in points(kind, count)
        ]
        unlike = {str(sorted(point.items())): point for point in own}
        for point in unlike.values():
            for seed in range(seeds):
                for row in _run(family, kappa, n, algorithm, point, seed, evaluations, noise):
                    for name, value in row.items():
                        columns.setdefault(name, []).append(value)
    return pd.DataFrame(columns)


def _quality(family: str, kappa: float, n: int, algorithm: str, p: dict[str, float]) -> float:
    """In [0, 1]: how fast and how far it learns."""
    shift = {"gridworld": 0.0, "random-mdp": 0.9, "cartpole": -0.8}[family]
    power = np.log2(p["step_size"] * p["server_step_size"]) + 0.25 * np.log2(p["local_steps"])
    value = np.exp(-0.3 * (power - shift - 0.6 + 0.4 * kappa) ** 2)
    drift = 0.0 if algorithm == "scaffold-pg" else 0.22 * kappa
    value *= 1 - drift * np.log(p["local_steps"]) / np.log(20)
    if not np.isnan(p["beta"]):
        value *= 1.06 - 0.5 * abs(np.log(p["beta"] / 0.25)) * 0.3
    return float(min(value * (1 + 0.02 * np.log2(n)), 1.0))


def _run(
    family: str,
    kappa: float,
    n: int,
    algorithm: str,
    p: dict[str, float],
    seed: int,
    count: int,
    noise: float,
) -> list[dict[str, Any]]:
    name = f"{family}|{kappa}|{algorithm}|{n}|{sorted(p.items())}"
    code = hashlib.sha256(f"{name}|{seed}".encode()).hexdigest()[:8]
    draw, shared = np.random.default_rng(int(code, 16)), np.random.default_rng(seed)
    tabular = family != "cartpole"
    start, top = START[family], TOP[family] + 0.02 * TOP[family] * shared.normal()
    quality = _quality(family, kappa, n, algorithm, p)
    heat = p["step_size"] * p["server_step_size"] * np.sqrt(p["local_steps"])
    lost = algorithm.endswith("-m") and heat > 6 and draw.random() < 0.6 + 0.4 * kappa
    reference = {"gridworld": top, "random-mdp": np.nan, "cartpole": 200.0}[family]
    rows = []
    for i in range(count):
        share = i / max(count - 1, 1)
        gain = quality * (1 - np.exp(-5 * quality * share)) + noise * draw.normal() * (i > 0)
        score = start + gain * (top - start)
        steps = 600.0 * i if tabular else round(600 * i * (1 + 0.02 * draw.normal()))
        rows.append(
            {"study": "designed", "family": family, "kappa": kappa, "algorithm": algorithm}
            | {"agents": n, "seed": seed, "cell": hashlib.sha256(name.encode()).hexdigest()[:12]}
            | {"horizon": 30 if tabular else 200, "discount": 0.99}
            | p
            | {"step_size": p["step_size"] * (0.1 if tabular else 0.01)}
            | {f"design_{key}": value for key, value in p.items()}
            | {"round": 5 * i, "steps_per_agent": steps, "trajectories_per_agent": 20.0 * i}
            | {"steps_total": steps * n, "trajectories_total": 20 * i * n}
            | {"floats_up": 400 * i, "floats_down": 1200 * i, "seconds": 1.3 * i}
            | {"objective": score if tabular else score / 3, "return": score}
            | {"return_worst": score - kappa, "return_best": score + kappa}
            | {"stationarity": 0.3 * np.exp(-4 * gain) if tabular else np.nan}
            | {"diverged": lost, "diverged_round": 5.0 * count if lost else np.nan}
            | {"metric": "objective" if tabular else "return", "reference": reference}
            | {"reference_meaning": "optimum by value iteration" if tabular else "solved"}
            | {"random": start}
        )
        if lost and i >= count // 3:
            break
    return rows


def provenance(kind: str, records: Any) -> dict[str, Any]:
    """With an importance per environment that sums to 1."""
    places = records[["family", "kappa", "agents", "algorithm"]].drop_duplicates()
    rows = []
    for place in places.sort_values(list(places.columns)).to_dict("records"):
        names = [n for n in VALUES if n != "beta" or place["algorithm"] not in WITHOUT_BETA]
        weights = {n: w for n, w in zip(VALUES, (0.5, 0.1, 0.3, 0.1), strict=True) if n in names}
        for name, weight in weights.items():
            share = weight / sum(weights.values())
            bounds = {"low": 0.9 * share, "high": min(1.1 * share, 1.0)}
            rows.append(place | {"hyperparameter": name, "importance": share} | bounds)
    axes = SPACE
    if kind == "sobol":
        axes = {
            name: {"low": axis["values"][0], "high": axis["values"][-1], "scale": "log"}
            | {"levels": None, "relative": axis["relative"]}
            for name, axis in SPACE.items()
        }
    return {
        "command": "fedrl run designed",
        "rebuild": "fedrl report designed",
        "configuration": {"design": {"kind": kind, "space": axes}},
        "importance": rows,
    }
