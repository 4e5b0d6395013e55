"""Families and algorithms: draw, film, check, compare, describe."""

from fedrl.benchmark.cli.commands.entries.check import check as check
from fedrl.benchmark.cli.commands.entries.cross import cross as cross
from fedrl.benchmark.cli.commands.entries.handbook import handbook as handbook
from fedrl.benchmark.cli.commands.entries.render import render as render
from fedrl.benchmark.cli.commands.entries.show import show as show
from fedrl.benchmark.cli.commands.entries.thresholds import thresholds as thresholds
