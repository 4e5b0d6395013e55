"""`fedrl info`: versions, machine, places."""

from fedrl.benchmark.cli.options import Json


def info(as_json: Json = False) -> None:
    """Versions, machine, where things are, and the digest of the code that decides numbers.

    Examples:

      fedrl info

      fedrl info --json
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.inspection import catalogue

    found = catalogue.information()
    lines: list[str] = []
    for section, facts in found.items():
        lines += [section, *(f"  {name:14}{value}" for name, value in facts.items())]
    answers.answer(as_json, found, *lines)
