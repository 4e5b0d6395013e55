"""Trust: verify, replay, publish, submit, compare, judge claims."""

from fedrl.benchmark.cli.commands.trust.claims import claims as claims
from fedrl.benchmark.cli.commands.trust.compare import compare as compare
from fedrl.benchmark.cli.commands.trust.publish import publish as publish
from fedrl.benchmark.cli.commands.trust.replay import replay as replay
from fedrl.benchmark.cli.commands.trust.submit import submit as submit
from fedrl.benchmark.cli.commands.trust.verify import verify as verify
