"""Knobs of third-party environments that are attributes: what was derived from them stays."""

from fedrl.benchmark.config import registry
from fedrl.benchmark.config.study import Study
from fedrl.envs.thirdparty.third_party import ATTRIBUTE, GymnasiumFamily


def notes(study: Study) -> list[str]:
    """A line per family with such knobs: only its user knows what the constructor derived."""
    found: dict[str, dict[str, None]] = {}
    for config in study.configs():
        if issubclass(registry.families()[config.family], GymnasiumFamily):
            knobs = config.build_family().knobs.items()
            told = [name for name, knob in knobs if knob.meaning.endswith(ATTRIBUTE)]
            found.setdefault(config.family, {}).update(dict.fromkeys(told))
    return [
        f"{family}: {', '.join(names)}: set as attributes of the environment; what its constructor "
        "derived from them does not follow"
        for family, names in found.items()
        if names
    ]
