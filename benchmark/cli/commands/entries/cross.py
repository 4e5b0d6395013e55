"""`fedrl cross`: how the policy of one agent does in the MDP of another."""

from typing import Annotated, Any

from fedrl.benchmark.cli.options import RESULTS, Json, Only, Results, Set, StudyName, counted


def cross(
    study: StudyName,
    results: Results = RESULTS,
    overrides: Set = None,
    only: Only = None,
    episodes: Annotated[int, counted("Episodes per entry where no closed form is known.")] = 100,
    held_out: Annotated[
        int, counted("Agents that took no part, to try final policies on.", least=0)
    ] = 0,
    as_json: Json = False,
) -> None:
    """Try every agent's optimum and every run's final policies in the MDPs of all agents.

    Writes <results>/<study>/cross/cross.csv and, for the first seed of every config, a heat map
    (PNG and SVG). Optima, distances and the gap of sharing one policy are known for finite MDPs;
    final policies are those of `independent-pg` agent by agent, of other algorithms the common one.
    Values are of the MDPs before any drift and without a reward cliff.

    With `--held-out M` final policies are also tried on M agents that took no part: the next ones
    of the draw that gave the run its agents. They are rows of cross.csv with policy `transfer`, and
    their mean is the column `transfer`.

    Examples:

      fedrl cross quick

      fedrl cross personal --held-out 20

      fedrl cross paper --only algorithm=independent-pg --only family=gridworld --json
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.inspection.pictures.crossed_runs import read_crossed, write_crossed

    loaded = load_study(study, overrides or (), only or ())
    found = read_crossed(loaded, results, episodes, held_out)
    answers.warn(found)
    for note in found.notes:
        answers.say(f"note: {note}")
    written = write_crossed(loaded.name, results, found.crossed)
    if as_json:
        facts = [_facts(one) for one in found.crossed]
        answers.print_json({"runs": facts, "files": [str(path) for path in written]})
        return
    known = ("run", "seed", "TV largest", "TV mean", "gap ≤", "trained: home", "away")
    headings = known + ("transfer",) * (held_out > 0)
    rows = [_row(one)[: len(headings)] for one in found.crossed]
    answers.print_table(headings, rows)
    print("home: J of the final policies where they were trained; away: in the other agents' MDPs")
    if held_out:
        print(f"transfer: in the MDPs of {held_out} agents that took no part")
    for path in written:
        print(path)


def _facts(one: Any) -> dict[str, Any]:
    distance = one.distance
    return {
        "cell": one.run.config.id,
        "seed": one.run.seed.index,
        "total_variation_largest": None if distance is None else distance.largest,
        "total_variation_mean": None if distance is None else distance.mean,
        "optimality_gap": one.gap,
        "optimum": None if one.optimum is None else one.optimum.objective.tolist(),
        "trained": None if one.trained is None else one.trained.objective.tolist(),
        "transfer": None if one.transfer is None else one.transfer.objective.tolist(),
    }


def _row(one: Any) -> tuple[str, ...]:
    """How different the agents of a run are, and how its policies do at home and away."""
    import numpy as np

    known = [] if one.distance is None else [*one.distance, one.gap]
    texts = [f"{value:.3g}" for value in known] or [""] * 3
    home = away = ""
    if one.trained is not None:
        values = one.trained.objective
        home = f"{np.mean(np.diag(values) if len(values) > 1 else values):.4g}"
        if len(values) > 1:
            away = f"{np.mean(values[~np.eye(len(values), dtype=bool)]):.4g}"
    transfer = "" if one.transfer is None else f"{np.mean(one.transfer.objective):.4g}"
    return one.run.config.id, str(one.run.seed.index), *texts, home, away, transfer
