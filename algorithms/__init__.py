"""Federated policy-gradient algorithms by name; `algorithms.algorithm` is the contract."""

from algorithms.algorithm import Agent, Algorithm, Server, tunable
from algorithms.fast_fedpg import FastFedPG
from algorithms.fedhapg import FedHAPG
from algorithms.fedhapg_m import FedHAPGM
from algorithms.fedhapg_m2 import FedHAPGM2
from algorithms.fednpg import FedNPG
from algorithms.fedpg import FedPG
from algorithms.fedpg_br import FedPGBR
from algorithms.fedpg_m import FedPGM
from algorithms.fedprox_pg import FedProxPG
from algorithms.fedsvrpg import FedSVRPG
from algorithms.fedsvrpg_m import FedSVRPGM
from algorithms.gradients import CompiledGradients, Gradients
from algorithms.ha_mbpg import HAMBPG
from algorithms.independent_pg import IndependentPG
from algorithms.is_mbpg import ISMBPG
from algorithms.mfpo import MFPO
from algorithms.mime_pg import MimePG
from algorithms.pooled_pg import PooledPG
from algorithms.projpavg import ProjPAvg
from algorithms.qavg import QAvg
from algorithms.qavg_sampled import QAvgSampled
from algorithms.s_fedpg import SFedPG
from algorithms.scaffold_pg import ScaffoldPG
from algorithms.softpavg import SoftPAvg
from algorithms.trajectory import Trajectories

ALGORITHMS: dict[str, type[Algorithm]] = {
    "fedpg": FedPG,
    "fedpg-m": FedPGM,
    "fedsvrpg-m": FedSVRPGM,
    "fedhapg-m": FedHAPGM,
    "fedhapg-m2": FedHAPGM2,
    "fedsvrpg": FedSVRPG,
    "fedhapg": FedHAPG,
    "is-mbpg": ISMBPG,
    "ha-mbpg": HAMBPG,
    "scaffold-pg": ScaffoldPG,
    "fast-fedpg": FastFedPG,
    "fedprox-pg": FedProxPG,
    "mime-pg": MimePG,
    "mfpo": MFPO,
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
