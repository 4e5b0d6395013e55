"""This machine: its speed, its versions, the state of its folders."""

from fedrl.benchmark.cli.commands.machine.doctor import doctor
from fedrl.benchmark.cli.commands.machine.info import info
from fedrl.benchmark.cli.commands.machine.speed import speed

__all__ = ["doctor", "info", "speed"]
