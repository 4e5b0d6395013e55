"""This machine: its speed, its versions, the state of its folders."""

from fedrl.benchmark.cli.commands.machine.doctor import doctor as doctor
from fedrl.benchmark.cli.commands.machine.info import info as info
from fedrl.benchmark.cli.commands.machine.speed import speed as speed
