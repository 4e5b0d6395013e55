"""Trust: verify, replay, publish, submit, compare, judge claims."""

from fedrl.benchmark.cli.commands.trust.claims import claims
from fedrl.benchmark.cli.commands.trust.compare import compare
from fedrl.benchmark.cli.commands.trust.publish import publish
from fedrl.benchmark.cli.commands.trust.replay import replay
from fedrl.benchmark.cli.commands.trust.submit import submit
from fedrl.benchmark.cli.commands.trust.verify import verify

__all__ = ["claims", "compare", "publish", "replay", "submit", "verify"]
