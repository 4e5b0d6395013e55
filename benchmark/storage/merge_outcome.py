"""The outcome of a merge: what was copied, what was not, and why, as values and in words."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fedrl.benchmark.storage.run_code import worded


class Version(NamedTuple):
    """One of the different results of a run."""

    folder: str  # the results folder it is in
    key: str
    content: str  # digest
    code: Any  # as the manifest has it; None where none speaks of it
    versions: dict[str, str] | None


class Conflict(NamedTuple):
    """A run with different content in different places; none of it was copied."""

    run: str  # <study>/<config.id>/<seed>
    versions: list[Version]


@dataclass
class Merged:
    """The outcome of a merge."""

    into: str
    copied: int = 0  # runs
    present: int = 0  # runs that were there already, with the same content
    conflicts: list[Conflict] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)  # files; not copied
    foreign: list[str] = field(default_factory=list)  # files no manifest speaks of; not copied

    @property
    def clean(self) -> bool:
        return not (self.conflicts or self.corrupt or self.foreign)

    def as_json(self) -> dict[str, Any]:
        """The same for a program."""
        conflicts = [
            {"run": run, "versions": [version._asdict() for version in versions]}
            for run, versions in self.conflicts
        ]
        return vars(self) | {"conflicts": conflicts}

    def sentences(self) -> list[str]:
        """A line per conflict and corrupt file."""
        lines = [f"corrupt, not copied: {path}" for path in self.corrupt]
        lines += [f"of another run by its manifests, not copied: {path}" for path in self.foreign]
        for run, versions in self.conflicts:
            first = versions[0]
            parts = [f"{v.folder} has key {v.key[:12]} ({_provenance(v, first)})" for v in versions]
            lines.append(f"conflict, not copied: {run}: {'; '.join(parts)}")
        return lines


def _provenance(version: Version, first: Version) -> str:
    if version.code is None or version.versions is None:
        return f"no manifest speaks of it, content {version.content[:12]}"
    others = first.versions or {}
    different = {name: v for name, v in version.versions.items() if others.get(name) != v}
    shown = version.versions if version is first else different
    packages = "".join(f", {name} {number}" for name, number in shown.items())
    return f"code {worded(version.code)}{packages}, content {version.content[:12]}"
