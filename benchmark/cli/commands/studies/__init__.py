"""Studies: write, run, watch, report, export."""

from fedrl.benchmark.cli.commands.studies.list_known import list_known as list_known
from fedrl.benchmark.cli.commands.studies.open_page import open_page as open_page
from fedrl.benchmark.cli.commands.studies.records import records as records
from fedrl.benchmark.cli.commands.studies.report import report as report
from fedrl.benchmark.cli.commands.studies.run import run as run
from fedrl.benchmark.cli.commands.studies.study import study as study
from fedrl.benchmark.cli.commands.studies.watch import watch as watch
