"""Environment families of the suite: a literal registry; `envs.family` is the contract."""

from envs.cartpole import CartPole
from envs.family import Family
from envs.gridworld import GridWorld
from envs.halfcheetah import HalfCheetah
from envs.random_mdp import RandomMDP

FAMILIES: dict[str, type[Family]] = {
    "gridworld": GridWorld,
    "random-mdp": RandomMDP,
    "cartpole": CartPole,
    "halfcheetah": HalfCheetah,
}

__all__ = ["FAMILIES", "Family"]
