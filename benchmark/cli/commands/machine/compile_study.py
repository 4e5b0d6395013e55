"""`fedrl compile`: the kernels of a study, before it runs."""

import typer

from fedrl.benchmark.cli import options
from fedrl.benchmark.cli.codes import FAILED_RUNS


def compile_study(
    study: options.StudyName,
    workers: options.Workers = None,
    overrides: options.Set = None,
    only: options.Only = None,
    as_json: options.Json = False,
) -> None:
    """Compile what a study needs, so that its runs begin at once.

    A run compiles what is missing by itself, once per machine. Ask for it beforehand when you build
    a container image, or before many machines with one file system begin. No result is stored.

    Examples:

      fedrl compile quick

      fedrl compile paper --only family=cartpole --workers 8
    """
    import time

    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.study import load_study
    from fedrl.benchmark.execution.ahead_of_time import compile_kernels
    from fedrl.benchmark.execution.processes import default_workers
    from fedrl.benchmark.execution.progress import duration

    loaded = load_study(study, overrides or (), only or ())
    begun = time.monotonic()
    with answers.working(f"compiling what {loaded.name} needs") as tell:
        programs, failed = compile_kernels(loaded.runs(), workers or default_workers(), tell)
    seconds = time.monotonic() - begun
    for reason in failed:
        answers.say(reason)
    facts = {"programs": programs, "failed": failed, "seconds": round(seconds, 1)}
    answers.answer(
        as_json,
        facts,
        f"{loaded.name}: what {programs - len(failed)} of {programs} programs need is compiled, "
        f"in {duration(seconds)}",
    )
    if failed:
        raise typer.Exit(FAILED_RUNS)
