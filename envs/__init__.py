"""Environment families of the suite: a literal registry; `envs.family` is the contract."""

import gymnasium

from envs.acrobot import Acrobot
from envs.cartpole import CartPole
from envs.cliff_walking import CliffWalking
from envs.family import Family
from envs.frozen_lake import FrozenLake
from envs.gridworld import GridWorld
from envs.halfcheetah import HalfCheetah
from envs.hopper import Hopper
from envs.linear_quadratic import LinearQuadratic
from envs.mountain_car import MountainCarContinuous
from envs.opposed_pair import OpposedPair
from envs.pendulum import Pendulum
from envs.random_mdp import RandomMDP
from envs.taxi import Taxi
from envs.third_party import GymnasiumFamily
from envs.walker2d import Walker2d
from envs.windy_cliff import WindyCliff

FAMILIES: dict[str, type[Family]] = {
    "gridworld": GridWorld,
    "random-mdp": RandomMDP,
    "windy-cliff": WindyCliff,
    "opposed-pair": OpposedPair,
    "frozen-lake": FrozenLake,
    "cliff-walking": CliffWalking,
    "taxi": Taxi,
    "linear-quadratic": LinearQuadratic,
    "cartpole": CartPole,
    "acrobot": Acrobot,
    "pendulum": Pendulum,
    "mountain-car": MountainCarContinuous,
    "halfcheetah": HalfCheetah,
    "hopper": Hopper,
    "walker2d": Walker2d,
    "gymnasium": GymnasiumFamily,
}

for _name, _family in FAMILIES.items():
    # The horizon is no `max_episode_steps` here: the environment truncates, so that it can be set.
    gymnasium.register(_family.gymnasium_id, "envs.gym:FamilyEnv", kwargs={"family": _name})

__all__ = ["FAMILIES", "Family"]
