"""In and out: curves of other programs, other viewers, other folders."""

from fedrl.benchmark.cli.commands.exchange.import_curves import import_curves as import_curves
from fedrl.benchmark.cli.commands.exchange.merge import merge as merge
from fedrl.benchmark.cli.commands.exchange.mirror import mirror as mirror
