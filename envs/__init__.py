"""Environment families of the suite: a literal registry; `fedrl.envs.family` is the contract."""

import gymnasium

from fedrl.envs.control.acrobot import Acrobot
from fedrl.envs.control.cartpole import CartPole
from fedrl.envs.control.linear_quadratic import LinearQuadratic
from fedrl.envs.control.mountain_car import MountainCarContinuous
from fedrl.envs.control.pendulum import Pendulum
from fedrl.envs.family import Family
from fedrl.envs.finite.cliff_walking import CliffWalking
from fedrl.envs.finite.frozen_lake import FrozenLake
from fedrl.envs.finite.gridworld import GridWorld
from fedrl.envs.finite.opposed_pair import OpposedPair
from fedrl.envs.finite.random_mdp import RandomMDP
from fedrl.envs.finite.taxi import Taxi
from fedrl.envs.finite.windy_cliff import WindyCliff
from fedrl.envs.mujoco.halfcheetah import HalfCheetah
from fedrl.envs.mujoco.hopper import Hopper
from fedrl.envs.mujoco.walker2d import Walker2d
from fedrl.envs.thirdparty.third_party import GymnasiumFamily

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
    gymnasium.register(
        _family.gymnasium_id, "fedrl.envs.views.gym:FamilyEnv", kwargs={"family": _name}
    )

__all__ = ["FAMILIES", "Family"]
