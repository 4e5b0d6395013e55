"""Families and algorithms: draw, film, check, compare, describe."""

from fedrl.benchmark.cli.commands.entries.check import check
from fedrl.benchmark.cli.commands.entries.cross import cross
from fedrl.benchmark.cli.commands.entries.handbook import handbook
from fedrl.benchmark.cli.commands.entries.render import render
from fedrl.benchmark.cli.commands.entries.show import show
from fedrl.benchmark.cli.commands.entries.thresholds import thresholds

__all__ = ["check", "cross", "handbook", "render", "show", "thresholds"]
