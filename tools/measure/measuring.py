# SPDX-License-Identifier: MIT
# measuring.py: how time is taken: workers that run one piece of work on demand, their alternation, and
# spreads. ledger.py keeps what comes out.
import json
import resource
import statistics
import subprocess


class Worker:
    """A process that answers each line "SECONDS" with a JSON list of seconds (timed.c, worker.py)."""

    def __init__(self, command):
        # PYTHONPATH and the like are the caller's; the working folder is the caller's too.
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.ready = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("%s ended with %s before it answered" % (
                " ".join(self.command), self.process.wait()))
        return json.loads(line)

    def run(self, seconds):
        self.process.stdin.write("%g\n" % seconds)
        self.process.stdin.flush()
        return self.answer()

    def end(self):
        """Ends the process; what it says last: peak_bytes and more."""
        self.process.stdin.close()
        last = self.answer()
        if self.process.wait() != 0:
            raise RuntimeError("%s exited with %d" % (" ".join(self.command),
                                                      self.process.returncode))
        return last


def alternate(workers, rounds, seconds):
    """Slices of all workers in turn, each second round backwards, so that a drift of the machine
    meets all alike: {name: [median of each slice]}."""
    slices = {name: [] for name in workers}
    for r in range(rounds):
        for name in list(workers)[::-1 if r % 2 else 1]:
            slices[name].append(statistics.median(workers[name].run(seconds)))
    return slices


def spread(values):
    """Median and extremes."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values),
            "count": len(values)}


def ratios(slices, over, under):
    """Of slices measured next to each other."""
    return spread([a / b for a, b in zip(slices[over], slices[under])])


def child_seconds(work):
    """CPU seconds of the processes that work() runs, which other work on the machine stretches less than
    it does wall seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
