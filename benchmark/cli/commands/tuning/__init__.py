"""Tuning: find values, list them, tell what results owe to them."""

from fedrl.benchmark.cli.commands.tuning.sensitivity import sensitivity as sensitivity
from fedrl.benchmark.cli.commands.tuning.tune import tune as tune
from fedrl.benchmark.cli.commands.tuning.tuned import tuned as tuned
