"""Federated policy-gradient algorithms by name; `fedrl.algorithms.algorithm` is the contract."""

from fedrl.algorithms.algorithm import Agent, Algorithm, Server, tunable
from fedrl.algorithms.estimators.gradients import CompiledGradients, Gradients
from fedrl.algorithms.estimators.trajectory import Trajectories
from fedrl.algorithms.methods.actor_critic.feda2c import FedA2C
from fedrl.algorithms.methods.actor_critic.fedkl import FedKL
from fedrl.algorithms.methods.actor_critic.fedppo import FedPPO
from fedrl.algorithms.methods.actor_critic.independent_ppo import IndependentPPO
from fedrl.algorithms.methods.averaging.afedpg import AFedPG
from fedrl.algorithms.methods.averaging.agnostic_pg import AgnosticPG
from fedrl.algorithms.methods.averaging.b_rs_fedpg import BRSFedPG
from fedrl.algorithms.methods.averaging.ditto_pg import DittoPG
from fedrl.algorithms.methods.averaging.fednigt import FedNIGT
from fedrl.algorithms.methods.averaging.fednpg import FedNPG
from fedrl.algorithms.methods.averaging.fedpg import FedPG
from fedrl.algorithms.methods.averaging.fedpg_m import FedPGM
from fedrl.algorithms.methods.averaging.fedprox_pg import FedProxPG
from fedrl.algorithms.methods.averaging.fedrep_pg import FedRepPG
from fedrl.algorithms.methods.averaging.fedtrpo import FedTRPO
from fedrl.algorithms.methods.averaging.independent_pg import IndependentPG
from fedrl.algorithms.methods.averaging.malenia_nigt import MaleniaNIGT
from fedrl.algorithms.methods.averaging.pooled_pg import PooledPG
from fedrl.algorithms.methods.averaging.rennala_nigt import RennalaNIGT
from fedrl.algorithms.methods.averaging.s_fedpg import SFedPG
from fedrl.algorithms.methods.averaging.tilted_pg import TiltedPG
from fedrl.algorithms.methods.corrected.fast_fedpg import FastFedPG
from fedrl.algorithms.methods.corrected.fedhapg import FedHAPG
from fedrl.algorithms.methods.corrected.fedhapg_m import FedHAPGM
from fedrl.algorithms.methods.corrected.fedhapg_m2 import FedHAPGM2
from fedrl.algorithms.methods.corrected.fedpg_br import FedPGBR
from fedrl.algorithms.methods.corrected.fedsvrpg import FedSVRPG
from fedrl.algorithms.methods.corrected.fedsvrpg_m import FedSVRPGM
from fedrl.algorithms.methods.corrected.ha_mbpg import HAMBPG
from fedrl.algorithms.methods.corrected.is_mbpg import ISMBPG
from fedrl.algorithms.methods.corrected.mfpo import MFPO
from fedrl.algorithms.methods.corrected.mime_pg import MimePG
from fedrl.algorithms.methods.corrected.n_harpg import NHARPG
from fedrl.algorithms.methods.corrected.pfedpg import PFedPGHA, PFedPGVR
from fedrl.algorithms.methods.corrected.scaffold_pg import ScaffoldPG
from fedrl.algorithms.methods.tabular.fed_dvr_q import FedDVRQ
from fedrl.algorithms.methods.tabular.fedhpd import FedHPD
from fedrl.algorithms.methods.tabular.fedsarsa import FedSARSA
from fedrl.algorithms.methods.tabular.fedtd import FedTD
from fedrl.algorithms.methods.tabular.projpavg import ProjPAvg
from fedrl.algorithms.methods.tabular.qavg import QAvg
from fedrl.algorithms.methods.tabular.qavg_sampled import QAvgSampled
from fedrl.algorithms.methods.tabular.softpavg import SoftPAvg

ALGORITHMS: dict[str, type[Algorithm]] = {
    "fedpg": FedPG,
    "fedpg-m": FedPGM,
    "fedsvrpg-m": FedSVRPGM,
    "fedhapg-m": FedHAPGM,
    "fedhapg-m2": FedHAPGM2,
    "n-harpg": NHARPG,
    "pfedpg-vr": PFedPGVR,
    "pfedpg-ha": PFedPGHA,
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
    "b-rs-fedpg": BRSFedPG,
    "fednigt": FedNIGT,
    "afedpg": AFedPG,
    "rennala-nigt": RennalaNIGT,
    "malenia-nigt": MaleniaNIGT,
    "tilted-pg": TiltedPG,
    "agnostic-pg": AgnosticPG,
    "fedrep-pg": FedRepPG,
    "ditto-pg": DittoPG,
    "fedhpd": FedHPD,
    "fedpg-br": FedPGBR,
    "fedtrpo": FedTRPO,
    "fedppo": FedPPO,
    "independent-ppo": IndependentPPO,
    "feda2c": FedA2C,
    "fedkl": FedKL,
    "projpavg": ProjPAvg,
    "softpavg": SoftPAvg,
    "qavg": QAvg,
    "qavg-sampled": QAvgSampled,
    "fedsarsa": FedSARSA,
    "fedtd": FedTD,
    "fed-dvr-q": FedDVRQ,
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
