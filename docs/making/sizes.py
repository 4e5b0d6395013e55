"""benchmark/studies/sizes.json: cells and runs of every built-in study, for `fedrl list studies`.

`python docs/making/sizes.py` counts them; a test compares.
"""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

from fedrl.benchmark.inspection import catalogue

FOLDER = Path(__file__).parents[2] / "benchmark" / "studies"


def counted() -> dict[str, dict[str, Any]]:
    """Name of a study to its size and the digest of its file."""
    found = {}
    for entry in catalogue.studies():
        text = (FOLDER / f"{entry['name']}.toml").read_bytes()
        size = {name: entry[name] for name in ("cells", "runs")}
        found[entry["name"]] = {"digest": blake2b(text, digest_size=8).hexdigest(), **size}
    return found


if __name__ == "__main__":
    (FOLDER / "sizes.json").write_text(json.dumps(counted(), indent=1) + "\n", "utf-8")
