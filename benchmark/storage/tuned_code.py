"""Tuned values of a study that come from other code than the present, or from somebody's hand."""

from fedrl.benchmark.config.study import Study
from fedrl.benchmark.storage.provenance import config_code
from fedrl.benchmark.storage.run_code import changed


def tuned_elsewhere(study: Study) -> str:
    """One sentence that names them and what changed since; empty where there are none.

    Such values are used: they are as good a choice as before for the problem that they were tuned
    for. Who reads a comparison should know, because an algorithm that changed may want others.
    """
    reasons: dict[str, dict[str, None]] = {}
    for config, entry in study.tuned_entries():
        reason = changed(entry.code, config_code(config))
        if reason:
            since = f"{reason} (fedrl {entry.fedrl})" if not entry.code else f"{reason} since"
            reasons.setdefault(since, {})[f"{config.family} / {config.algorithm}"] = None
    told = "; ".join(f"{', '.join(pairs)}: {reason}" for reason, pairs in reasons.items())
    told = f"hyperparameters tuned under other code: {told}" if told else ""
    edited = {f"{c.family} / {c.algorithm}": None for c, e in study.tuned_entries() if e.edited}
    by_hand = f"no trial of their file has the tuned values of {', '.join(edited)}: edited by hand"
    return "; ".join([*([told] if told else []), *([by_hand] if edited else [])])
