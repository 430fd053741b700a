#!/usr/bin/env python3
"""Measures the time from the start of `rlai train` to its first environment step.

    tools/startup.py target/release/rlai [--rounds 9] [--limit 0.2]

Everything is in it: the program loaded, MuJoCo found, verified, opened and its model compiled, networks and
replay made, the run's folder claimed and the first checkpoint safely on the disk. The first step is seen from
outside, by the first line of metrics.jsonl (`--log-every 1`), after which the run is killed. One start before
the measured ones warms the caches. Exit code 1: a median is above the limit, or a run fails; 2: bad input.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TASKS = ["Pendulum-v1", "HalfCheetah-v5", "Humanoid-v5"]


def first_step(rlai, task, folder):
    """Seconds of the clock, and of the processor, up to the first line of the metrics."""
    out = pathlib.Path(folder) / "run"
    metrics = out / "attempt-1" / "metrics.jsonl"
    command = [rlai, "train", "--env", task, "--log-every", "1", "--out", str(out)]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        while not (metrics.exists() and metrics.stat().st_size > 0):
            if process.poll() is not None:
                sys.exit(f"{task}: ended before its first step\n{process.stderr.read()}")
            time.sleep(0.0005)
        return time.perf_counter() - start, processor_seconds(process.pid)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(out, ignore_errors=True)


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def program(text):
    if shutil.which(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r}: no program is there")
    return text


def positive(kind):
    def read(text):
        try:
            given = kind(text)
        except ValueError:
            given = 0
        if not 0 < given < 1e6:
            raise argparse.ArgumentTypeError(f"{text!r}: a number above 0 is needed")
        return given
    return read


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("rlai", type=program, help="the program")
    arguments.add_argument("--rounds", type=positive(int), default=9, help="starts of each task [9]")
    arguments.add_argument("--limit", type=positive(float), default=0.2, help="seconds that a median may be [0.2]")
    given = arguments.parse_args()
    good = True
    print(f"{'seconds to the first step':<28}{'median':>9}{'least':>9}{'most':>9}{'processor':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS:
            first_step(given.rlai, task, folder)
            rounds = [first_step(given.rlai, task, folder) for _ in range(given.rounds)]
            clock = [seconds for seconds, _ in rounds]
            median = statistics.median(clock)
            processor = statistics.median(seconds for _, seconds in rounds)
            good &= median <= given.limit
            verdict = "" if median <= given.limit else f"  more than {given.limit}"
            print(f"{task:<28}{median:>9.3f}{min(clock):>9.3f}{max(clock):>9.3f}{processor:>11.3f}{verdict}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
