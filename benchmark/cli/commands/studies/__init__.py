"""Studies: write, run, watch, report, export."""

from fedrl.benchmark.cli.commands.studies.list_known import list_known
from fedrl.benchmark.cli.commands.studies.open_page import open_page
from fedrl.benchmark.cli.commands.studies.records import records
from fedrl.benchmark.cli.commands.studies.report import report
from fedrl.benchmark.cli.commands.studies.run import run
from fedrl.benchmark.cli.commands.studies.study import study
from fedrl.benchmark.cli.commands.studies.watch import watch

__all__ = ["list_known", "open_page", "records", "report", "run", "study", "watch"]
