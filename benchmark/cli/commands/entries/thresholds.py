"""`fedrl thresholds`: what the scores of a family are read against."""

from typing import Annotated

import typer

from fedrl.benchmark.cli.known import Known, of
from fedrl.benchmark.cli.options import Json, Kappa, SeedIndex, counted


def thresholds(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FAMILY]...", help="Families.", show_default="all"),
        Known(of("family")),
    ] = None,
    kappa: Kappa = 0.0,
    agents: Annotated[
        int | None, counted("Agents.", show_default="1 at κ = 0, where all are alike, else 5")
    ] = None,
    seed: SeedIndex = 0,
    episodes: Annotated[
        int, counted("Episodes per agent where no closed form is known.", least=2)
    ] = 100,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Answer as docs/families.md, with all that is known.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compute the marks on the scale of each family: random, reference, common, own optimum.

    Families are taken at their stock settings. Scores are means over the agents: J where the
    family is measured by its objective, else the undiscounted return.

    Examples:

      fedrl thresholds

      fedrl thresholds gridworld random-mdp --kappa 0.8 --agents 10 --json

      fedrl thresholds --markdown > docs/families.md
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config import registry
    from fedrl.benchmark.inspection import handbook
    from fedrl.benchmark.inspection.federation import federation
    from fedrl.benchmark.inspection.thresholds import standing

    chosen = names or list(registry.families())
    count = agents or (1 if kappa == 0 else 5)  # at κ = 0 all agents are the same MDP
    drawn = [federation(name, count, kappa, seed, [], hidden=()) for name in chosen]
    found = [standing(one, episodes) for one in drawn]
    if as_json:
        answers.print_json([one._asdict() | {"random": one.random._asdict()} for one in found])
    elif markdown:
        print(handbook.pages(drawn, found, episodes), end="")
    else:
        right = ("random", "reference", "common", "own")
        rows = map(handbook.row, found)
        answers.print_table(handbook.HEADINGS, rows, whole=("family", *right), right=right)
        print("random: equally likely actions, or N(0, σ²) with σ as at the start of training")
        print("±: standard error of sampled episodes")
        print("common: best known shared policy; own: mean of the agents' optima, an upper bound")
