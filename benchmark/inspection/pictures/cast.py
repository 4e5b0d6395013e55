"""Who plays in a film: agents of a family, and the stored parameters they act with."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from fedrl.algorithms.estimators.policy import Table
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.conformance.entries import family_entry
from fedrl.benchmark.inspection.federation import Federation, federation
from fedrl.benchmark.inspection.pictures.film import film
from fedrl.benchmark.publishing import stored_run
from fedrl.benchmark.storage.files import StoreError
from fedrl.envs.family import Array
from fedrl.envs.views.rendering import rendering_of
from fedrl.reports.page.film import film_of

MOST = 4  # agents, unless more are asked for
SHOWN = 100  # steps in a film of a published study


def cast(
    name: str,
    policy: str,
    results: Path,
    study: str | None = None,
    agents: int | None = None,
    kappa: float | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    *,
    trust: bool = False,
) -> tuple[Federation, Array]:
    """The agents of a stored run, or others of its family, and the parameters (N, d) of each.

    None is the run's own value.

    Raises SettingError or StoreError: another family, no such run, no parameters, other shapes. A
    package that the run's manifest names is imported with `trust` only.
    """
    entry = family_entry(name)
    run = stored_run.original(policy, results, study, trust=trust)
    config = run.run.config
    if config.family != entry.name:
        raise SettingError(f"{policy} is a run of {config.family}; its policy cannot act in {name}")
    if run.parameters is None:
        raise StoreError(
            f"no parameters are stored beside {run.path}; remove it, and `fedrl run` computes and "
            "stores them"
        )
    if not np.isfinite(run.parameters).all():
        raise SettingError(f"{policy} diverged; its parameters are not finite")
    drawn = federation(
        entry.name,
        min(config.agents, MOST) if agents is None else agents,
        config.kappa if kappa is None else kappa,
        run.run.seed.index if seed is None else seed,
        settings,
        config.options,
        config.hidden,
    )
    theta = run.parameters
    if theta.shape[1] != drawn.policy.size:
        raise SettingError(
            f"{policy} has {theta.shape[1]} parameters, but with these settings {name} needs "
            f"{drawn.policy.size}; leave out the --set that changes its spaces"
        )
    acting = config.build_policy()
    if isinstance(acting, Table) and type(acting) is not type(drawn.policy):
        # θ holds probabilities or values: these are logits of the same policy.
        chances = np.maximum(acting.probabilities(theta), np.finfo(np.float64).tiny)
        theta = np.log(chances).reshape(len(theta), -1)
    if len(theta) == 1:
        return drawn, np.repeat(theta, drawn.agents, axis=0)
    if len(theta) < drawn.agents:
        raise SettingError(
            f"{policy} has a policy of its own for each of its {len(theta)} agents; agents is "
            f"{drawn.agents}"
        )
    return drawn, theta[: drawn.agents]


def film_run(result: Path, folder: Path) -> None:
    """A film of a stored run's agents under its final policy, where no more than PIL is needed.

    Writes `folder`/pictures/FAMILY-final-policy.gif; nothing if the family has no such picture, if
    a run of that family is there already, or if the run diverged.
    """
    try:
        run = stored_run.original(str(result), folder)
    except StoreError:  # its environment is a third party's, which drawing would import
        return
    family = run.run.config.family
    rendering = rendering_of(run.run.config.build_family())
    out = folder / film_of(family)
    drawn = rendering.film is not None or "ansi" in rendering.modes
    diverged = run.parameters is None or not np.isfinite(run.parameters).all()
    if drawn and not diverged and not out.exists():
        with suppress(SettingError):  # something to draw with is not there
            film(*cast(family, str(result), folder), SHOWN, out)
