"""`fedrl watch`: a page that follows a running study."""

from contextlib import suppress
from typing import Annotated

from fedrl.benchmark.cli.options import RESULTS, Json, Only, Results, Set, StudyName, counted


def watch(
    study: StudyName,
    results: Results = RESULTS,
    port: Annotated[
        int, counted("Port on this machine; 0 is a free one.", least=0, most=65535)
    ] = 0,
    overrides: Set = None,
    only: Only = None,
    as_json: Json = False,
) -> None:
    """Show progress, curves so far and failures of a running study and its tuning, as a page.

    Read from the store alone: on any machine that sees the folder of results, from 127.0.0.1 only.
    Ctrl-C ends it; the study goes on. With --json the state is printed once.

    Examples:

      fedrl watch quick

      fedrl watch my.toml --results /shared/results --port 8000
    """
    from fedrl.benchmark.cli import answers
    from fedrl.benchmark.config.settings import SettingError
    from fedrl.benchmark.inspection.watch_server import HOST, serve
    from fedrl.benchmark.inspection.watching import Watcher

    watcher = Watcher(study, results, overrides or (), only or ())
    if as_json:
        answers.print_json(watcher.state())
        return
    try:
        server = serve(watcher.state, port)
    except OSError as error:
        raise SettingError(f"--port {port}: {error.strerror}; 0 takes a free one") from None
    print(f"http://{HOST}:{server.server_address[1]}/", flush=True)
    with suppress(KeyboardInterrupt), server:
        server.serve_forever()
