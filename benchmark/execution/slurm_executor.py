"""Computing batches as jobs of a Slurm cluster, from its login node. Only this file knows Slurm.

Every batch is one job, and never more than `workers` of them are submitted: a limit on jobs is kept
to, not run into. Jobs share the folder of results: their checkpoints are there, so that a job that
meets its time limit, or whose node is lost, goes on in another where it was.
"""

import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

from fedrl.benchmark.execution.attempt import Failed, Listener, Lost, Started, attempt, one_thread
from fedrl.benchmark.execution.batches import Batch
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.execution.executors import Executor, ExecutorError
from fedrl.benchmark.execution.job_files import job_bytes, outcome_bytes, read_job, read_outcome
from fedrl.benchmark.execution.processes import THREAD_LIMITS
from fedrl.benchmark.execution.workers import DEATHS
from fedrl.benchmark.storage.files import sweep, token, write_atomically
from fedrl.benchmark.storage.provenance import run_key

SPOOL = ".slurm."
POLL_EVERY = 5.0  # s between looks at the folder and at squeue
NOTICE = 120  # s before its time limit that a job is told
AT_A_TIME = 16  # jobs, if nobody says
PATIENCE = 3  # looks without job and result, on a slow file system, before a batch counts as lost
SCRIPT = """\
#!/bin/sh
#SBATCH --job-name=fedrl
#SBATCH --ntasks=1 --cpus-per-task=1
#SBATCH --signal=B:TERM@{notice}
#SBATCH --output={place}.log
export {limits}
exec {python} -m fedrl.benchmark.execution.slurm_executor {place}
"""


class Slurm(Executor):
    """`address` holds options of sbatch, such as "--partition=cpu --time=02:00:00"."""

    def __init__(self, address: str | None = None) -> None:
        self._options = shlex.split(address or "")
        if any(not option.startswith("-") for option in self._options):
            raise ExecutorError(
                f"--address is {address!r}; for slurm it holds options of sbatch, such as "
                "'--partition=cpu --time=02:00:00'"
            )
        if shutil.which("sbatch") is None:
            raise ExecutorError("there is no sbatch here: --executor slurm is for a login node")
        super().__init__(address)

    def default_workers(self) -> int:
        """Jobs at a time."""
        return AT_A_TIME

    def __call__(
        self, queue: deque[Batch], workers: int, listener: Listener, checkpoints: Checkpoints | None
    ) -> None:
        home = Path.cwd() if checkpoints is None else Path(checkpoints.results).resolve()
        sweep(home, SPOOL)
        spool = home / f"{SPOOL}{token()}"
        spool.mkdir(mode=0o700)
        jobs = _Jobs(spool, self._options, listener, checkpoints)
        try:
            while queue or jobs.running:
                while queue and len(jobs.running) < workers and jobs.submit(queue):
                    pass
                time.sleep(POLL_EVERY)
                jobs.look(queue)
        finally:
            jobs.cancel()
            shutil.rmtree(spool, ignore_errors=True)


class _Jobs:
    """The jobs of one study that are submitted."""

    def __init__(
        self, spool: Path, options: list[str], listener: Listener, checkpoints: Checkpoints | None
    ) -> None:
        self.running: dict[str, tuple[Path, Batch]] = {}  # number of the job → its files, its batch
        self._spool, self._options, self._listener = spool, options, listener
        if checkpoints is not None:
            checkpoints = Checkpoints(Path(checkpoints.results).resolve(), checkpoints.study)
        self._checkpoints = checkpoints
        self._count = 0
        self._absent: Counter[str] = Counter()
        self._deaths: Counter[str] = Counter()

    def submit(self, queue: deque[Batch]) -> bool:
        """Submit the first batch; False, and it stays, where the cluster takes no more for now."""
        batch, place = queue[0], self._spool / f"{self._count:05d}"
        write_atomically(place, job_bytes(batch, self._checkpoints))
        script = place.with_suffix(".sh")
        words = {"python": shlex.quote(sys.executable), "place": shlex.quote(str(place))}
        limits = " ".join(f"{name}=1" for name in THREAD_LIMITS)
        script.write_text(SCRIPT.format(notice=NOTICE, limits=limits, **words))
        done = asked("sbatch", "--parsable", *self._options, str(script))
        if done.returncode:
            if "maxsubmit" in done.stderr.lower():  # this user's other jobs count too
                return False
            raise ExecutorError(f"sbatch: {' '.join(done.stderr.split()) or done.returncode}")
        self._count += 1
        queue.popleft()
        self.running[done.stdout.strip().split(";")[0]] = place, batch
        self._listener(Started(batch))
        return True

    def look(self, queue: deque[Batch]) -> None:
        """Hear what has ended; what was cut short goes back to the queue."""
        listed = asked("squeue", "--noheader", "--format=%i", f"--jobs={','.join(self.running)}")
        alive = set(listed.stdout.split())
        for number, (place, batch) in list(self.running.items()):
            result, again = place.with_suffix(".result"), place.with_suffix(".again")
            if result.exists():
                del self.running[number]
                try:
                    outcome = read_outcome(result.read_bytes(), batch)
                except ValueError as error:
                    self._bury(place, batch, queue, f"its result is damaged: {error}")
                else:
                    self._listener(outcome)
            elif again.exists():
                del self.running[number]
                queue.appendleft(batch)
            elif number not in alive:
                self._absent[number] += 1
                if self._absent[number] >= PATIENCE:
                    del self.running[number]
                    self._bury(place, batch, queue)

    def _bury(self, place: Path, batch: Batch, queue: deque[Batch], why: str = "") -> None:
        key = run_key(batch[0])
        self._deaths[key] += 1
        log = place.with_suffix(".log")
        said = log.read_text(errors="replace").split() if log.exists() else []
        reason = why or " ".join(said)[-200:] or "its job ended without a word"
        if self._deaths[key] >= DEATHS:
            self._listener(Failed(batch, f"{DEATHS} jobs ended early: {reason}"))
        else:
            self._listener(Lost(batch, reason))
            queue.appendleft(batch)

    def cancel(self) -> None:
        """End what is still submitted."""
        if self.running:
            asked("scancel", *self.running)


def asked(*words: str) -> subprocess.CompletedProcess[str]:
    """What a command of Slurm answers; ExecutorError where it cannot be run."""
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ExecutorError(f"cannot run {words[0]}: {error.strerror}") from None


def work(place: Path) -> None:
    """Compute one batch, and leave its outcome or the wish to be continued."""
    batch, checkpoints, key = read_job(place.read_bytes())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if run_key(batch[0]) != key:
            outcome: Any = Failed(batch, "the node has other code or versions than the login node")
        else:
            with one_thread():
                outcome = attempt(batch, lambda _: None, checkpoints)
        write_atomically(place.with_suffix(".result"), outcome_bytes(outcome))
    except KeyboardInterrupt:  # its time is up
        write_atomically(place.with_suffix(".again"), b"")


if __name__ == "__main__":
    work(Path(sys.argv[1]))
