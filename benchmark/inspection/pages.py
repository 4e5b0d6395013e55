"""The handbook's pages on algorithms, written from docstrings and class data."""

import inspect
import json
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import get_args, get_type_hints

from fedrl.algorithms import ALGORITHMS, Algorithm
from fedrl.benchmark.conformance.communication import Cost, round_cost
from fedrl.benchmark.storage.files import write_below

COMMAND = "fedrl handbook algorithms --out docs/algorithms"
WRITTEN = f"<!-- Written by `{COMMAND}` from the source; change the docstrings instead. -->"
SYMBOLS = """\
θ_r are the parameters of round r, θ those at a local step, g and g_i the batch policy gradient of
the agent that steps, w(a | b) the importance weight of episodes played at b, D the Hessian
estimate, u_r the mean local direction of the round before. Every local step is θ ← θ + η u; the
server forms u_{r+1}, the mean of all local directions, and sets θ_{r+1} = θ_r + λ u_{r+1}, with
λ = ηK unless a study sets it. K local steps a round, B episodes a batch, B₀ a snapshot.
d is the number of parameters, of policy and value function where both are learned.
"""


def pages() -> dict[str, str]:
    """File name to text: one page per built-in algorithm and README.md, which lists them."""
    found = {f"{name}.md": page(name, kind) for name, kind in ALGORITHMS.items()}
    return {"README.md": index(), **found}


def write(folder: Path) -> list[Path]:
    """Write all pages; what else is in the folder stays."""
    return write_below(folder, {name: text.encode() for name, text in pages().items()})


def index() -> str:
    """The table of all algorithms."""
    rows = ["| algorithm | kind | local direction | episodes | up | down |", "|" + "---|" * 6]
    for name, kind in ALGORITHMS.items():
        cost = round_cost(kind())
        columns = (f"[`{name}`]({name}.md)", kind.kind, _escaped(equation(kind)), *cost)
        rows.append("| " + " | ".join(columns) + " |")
    head = "# Algorithms\n\n" + WRITTEN + "\n\n" + SYMBOLS
    costs = "Costs are those of one agent in one round: episodes played, floats sent and received."
    return f"{head}\n{costs}\n\n" + "\n".join(rows) + "\n"


def page(name: str, kind: type[Algorithm]) -> str:
    """One algorithm: what it computes, from where, at which cost, with which hyperparameters."""
    module = inspect.getmodule(kind)
    title = (inspect.getdoc(module) or "").split("\n")[0]
    meaning = inspect.getdoc(kind) or ""
    parts = [
        f"# {name}",
        WRITTEN,
        title,
        "## Equation",
        f"```text\n{inspect.getdoc(kind.direction)}\n```",
        *_rules(kind),
        "## Reading",
        _paragraphs(meaning),
        f"Source: {kind.reference}.",
        f"Code: [{_file(kind)}](../../{_file(kind)}).",
        "## Facts",
        _facts(kind, round_cost(kind())),
        "## Hyperparameters",
        _hyperparameters(kind),
        "## Traps",
        "\n".join(f"- {trap}" for trap in traps(kind)),
        "[All algorithms](README.md)",
    ]
    return "\n\n".join(parts) + "\n"


def _file(kind: type[Algorithm]) -> str:
    """The path of its file within the repository."""
    return "/".join(kind.__module__.removeprefix("fedrl.").split(".")) + ".py"


def equation(kind: type[Algorithm]) -> str:
    """The line of the docstring of `direction` that says what u is."""
    return (inspect.getdoc(kind.direction) or "").split("\n")[0].rstrip(".:")


def traps(kind: type[Algorithm]) -> list[str]:
    """List what goes wrong with such an algorithm, or is easily misread in its results."""
    methods = filter(inspect.isfunction, vars(kind).values())
    estimators = {name for method in methods for name in method.__code__.co_names}
    returned = (
        kind.uses_global_momentum
        or kind.snapshot
        or kind.server_memory is not Algorithm.server_memory
    )
    own = kind.acting is not Algorithm.acting
    properties = {
        "model": kind.model_based,
        "table": kind.finite,
        "alone": own or not kind.federated,
        "anchor": kind.uses_global_momentum,
        "snapshot": kind.snapshot,
        "weight": "weighted" in estimators,
        "position": kind.behaviour_parameters is not Algorithm.behaviour_parameters and not own,
        "batches": kind.batches > 1,
        "desk": kind.update_site == "server",
        "chatty": kind.synchronous,
        "memory": kind.finish is not Algorithm.finish,
        "drift": kind.federated and not kind.synchronous and not returned and not own,
    }
    return [trap for name, trap in TRAPS.items() if properties[name]]


TRAPS = {
    "model": "It reads the agents' MDPs and samples nothing: a line to compare with, never to be "
    "ranked by samples.",
    "table": "Finite families only; with any other it is refused before it runs.",
    "alone": "Every agent is scored on its own MDP with parameters of its own, where others are "
    "scored with one policy for all: heterogeneous agents may so score above every common policy.",
    "anchor": "With u_0 = 0, the default, and β < 1 the first rounds take short steps; "
    '`initial_momentum = "batch"` samples u_0, and those samples are counted.',
    "snapshot": "B₀ more episodes are played in every round, and counted: with small K·B they are "
    "most of the cost.",
    "weight": "The importance weight is a product over all steps of an episode: its variance grows "
    "fast with the horizon and with the distance of the two parameters. A smaller η helps. "
    "`weight_cap` (biased) and `per_decision` (unbiased) help too, and are off unless asked for.",
    "position": "Episodes are played between two parameters, not at the agent's own: their returns "
    "are not those of the current policy.",
    "batches": "A local step plays more than one batch: compare at equal steps, not equal rounds.",
    "desk": "The local steps play episodes in the server's own environment, which no agent pays "
    "for: look at the total of steps.",
    "chatty": "It communicates K times a round: rounds are not comparable with those of others.",
    "memory": "An agent's memory outlives the round: with `participation` below 1 it grows old.",
    "drift": "Nothing takes out the drift of local steps: with K > 1 and heterogeneous agents the "
    "limit depends on K and η and is no stationary point of the average J.",
}


def _rules(kind: type[Algorithm]) -> list[str]:
    """Docstrings of the other methods it defines and documents."""
    found = []
    for name in ("behaviour_parameters", "begin", "finish", "absorb", "aggregate"):
        method, inherited = getattr(kind, name), getattr(Algorithm, name)
        if method is not inherited and method.__doc__:
            found.append(f"`{name}`:\n\n```text\n{inspect.getdoc(method)}\n```")
    return found


def _facts(kind: type[Algorithm], cost: Cost) -> str:
    rate = "none claimed"
    if kind.exponent is not None:
        power = Fraction(kind.exponent).limit_denominator(100)
        rate = f"ρ = {power} (`exponent`): ‖∇J‖² ≤ ε after O(ε^-ρ) trajectories"
    rows = {
        "kind": kind.kind,
        "episodes of an agent in a round": cost.samples,
        "floats an agent sends in a round": cost.floats_up,
        "floats an agent receives in a round": cost.floats_down,
        "claimed rate": rate,
        "contains": _contained(kind),
        "parameters in a finite MDP": kind.table,
        "needs a finite MDP": "yes" if kind.finite else "no",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {a} | {_escaped(b)} |" for a, b in rows.items())])


def _contained(kind: type[Algorithm]) -> str:
    """Which algorithms it is at which values."""
    found = [
        f"[`{name}`]({name}.md) at " + ", ".join(f"`{n}` = {v:g}" for n, v in values.items())
        for name, values in kind.contains.items()
    ]
    return "; ".join(found) or "no other algorithm"


def _hyperparameters(kind: type[Algorithm]) -> str:
    if not fields(kind):
        return "None beside those of every run: η, λ, K, B."
    rows = ["| name | default | worth searching | allowed | meaning |", "|" + "---|" * 5]
    for parameter in kind.tunables().values():
        details, default = parameter.metadata, float(str(parameter.default))
        unit = details["unit"] and f", times {details['unit']}"
        search = f"{details['low']:g} … {details['high']:g}{unit}"
        allowed = "[{:g}, {:g}]".format(*details["domain"])
        meaning = _escaped(details["meaning"])
        rows.append(f"| `{parameter.name}` | {default:g} | {search} | {allowed} | {meaning} |")
    for name, parameter in kind.structure().items():
        value, meaning = json.dumps(parameter.default), _escaped(parameter.metadata["meaning"])
        rows.append(f"| `{name}` | {value} | | {allowed_of(kind, name)} | {meaning} |")
    return "\n".join(rows)


def allowed_of(kind: type[Algorithm], name: str) -> str:
    """Values that a structural hyperparameter may have, in words."""
    least = kind.structure()[name].metadata["least"]
    if least is not None:
        return f"whole, at least {least}"
    words = get_args(get_type_hints(kind)[name]) or ("true", "false")
    return " or ".join(str(word) for word in words)


def _paragraphs(text: str) -> str:
    """Prose in which Markdown changes nothing: *, _, [ and | are letters here."""
    for letter in "\\*_[]|<>":
        text = text.replace(letter, "\\" + letter)
    return text


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
