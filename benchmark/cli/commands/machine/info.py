"""`fedrl info`: versions, machine, places."""

from fedrl.benchmark.cli.options import Json


def info(as_json: Json = False) -> None:
    """Versions, machine, where things are, and the digest of the code that decides numbers.

    [bold]Examples[/]

      fedrl info

      fedrl info --json
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.inspection import catalogue

    answer = catalogue.information()
    if as_json:
        answers.print_json(answer)
    else:
        for section, facts in answer.items():
            print(section)
            for name, value in facts.items():
                print(f"  {name:14}{value}")
