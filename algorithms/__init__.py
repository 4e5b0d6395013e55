"""Federated policy-gradient algorithms by name; `algorithms.algorithm` is the contract."""

from algorithms.algorithm import Agent, Algorithm, Server, tunable
from algorithms.fedhapg_m import FedHAPGM
from algorithms.fedhapg_m2 import FedHAPGM2
from algorithms.fednpg import FedNPG
from algorithms.fedpg import FedPG
from algorithms.fedpg_br import FedPGBR
from algorithms.fedpg_m import FedPGM
from algorithms.fedsvrpg_m import FedSVRPGM
from algorithms.gradients import CompiledGradients, Gradients
from algorithms.independent_pg import IndependentPG
from algorithms.pooled_pg import PooledPG
from algorithms.projpavg import ProjPAvg
from algorithms.qavg import QAvg
from algorithms.qavg_sampled import QAvgSampled
from algorithms.s_fedpg import SFedPG
from algorithms.softpavg import SoftPAvg
from algorithms.trajectory import Trajectories

ALGORITHMS: dict[str, type[Algorithm]] = {
    "fedpg": FedPG,
    "fedpg-m": FedPGM,
    "fedsvrpg-m": FedSVRPGM,
    "fedhapg-m": FedHAPGM,
    "fedhapg-m2": FedHAPGM2,
    "independent-pg": IndependentPG,
    "pooled-pg": PooledPG,
    "fednpg": FedNPG,
    "s-fedpg": SFedPG,
    "fedpg-br": FedPGBR,
    "projpavg": ProjPAvg,
    "softpavg": SoftPAvg,
    "qavg": QAvg,
    "qavg-sampled": QAvgSampled,
}

__all__ = [
    "ALGORITHMS",
    "Agent",
    "Algorithm",
    "CompiledGradients",
    "Gradients",
    "Server",
    "Trajectories",
    "tunable",
]
