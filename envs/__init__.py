"""Environment families of the suite: a literal registry; `envs.family` is the contract."""

import gymnasium

from envs.cartpole import CartPole
from envs.family import Family
from envs.gridworld import GridWorld
from envs.halfcheetah import HalfCheetah
from envs.hopper import Hopper
from envs.random_mdp import RandomMDP
from envs.third_party import GymnasiumFamily
from envs.walker2d import Walker2d

FAMILIES: dict[str, type[Family]] = {
    "gridworld": GridWorld,
    "random-mdp": RandomMDP,
    "cartpole": CartPole,
    "halfcheetah": HalfCheetah,
    "hopper": Hopper,
    "walker2d": Walker2d,
    "gymnasium": GymnasiumFamily,
}

for _name, _family in FAMILIES.items():
    # The horizon is no `max_episode_steps` here: the environment truncates, so that it can be set.
    gymnasium.register(_family.gymnasium_id, "envs.gym:FamilyEnv", kwargs={"family": _name})

__all__ = ["FAMILIES", "Family"]
