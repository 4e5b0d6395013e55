"""Tuning: find values, list them, tell what results owe to them."""

from fedrl.benchmark.cli.commands.tuning.sensitivity import sensitivity
from fedrl.benchmark.cli.commands.tuning.tune import tune
from fedrl.benchmark.cli.commands.tuning.tuned import tuned

__all__ = ["sensitivity", "tune", "tuned"]
