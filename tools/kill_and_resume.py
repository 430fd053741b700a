#!/usr/bin/env python3
"""Kills runs at random moments, starts them again, and compares what they come to.

    python3 tools/kill_and_resume.py target/release/rlai --kills 25 --all
    python3 tools/kill_and_resume.py target/release/rlai --kills 25 --all --full-size

Each run is made twice: once undisturbed, once killed (SIGKILL) this many times, also while it saves: a
checkpoint is due every 200 steps (20 with --full-size, which trains the default networks). Both must end with the same parameters and the same metrics, but for
fields that hold a time. Exits with 1 if anything differs. Needs MuJoCo (`rlai setup`).
"""

import argparse
import itertools
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

SMALL = """--steps 6000 --learning-starts 500 --hidden 32,32 --batch 32 --evaluate-every 1500
--evaluation-episodes 1 --log-every 250 --checkpoint-every 200 --quiet""".split()

FULL_SIZE = """--steps 900 --learning-starts 300 --evaluate-every 300 --evaluation-episodes 1 --log-every 50
--checkpoint-every 20 --quiet""".split()

RUNS = [
    ("HalfCheetah-v5", "reverse-kl", []),
    ("HalfCheetah-v5", "forward-kl", ["--threads", "2"]),
    ("Humanoid-v5", "reverse-kl", ["--threads", "2"]),
    ("Humanoid-v5", "forward-kl", ["--samples", "4"]),
    ("CartPole-v1", "reverse-kl-all-actions", []),
]

ALL_RUNS = [
    (task, objective, ["--threads", threads])
    for task in ("HalfCheetah-v5", "Humanoid-v5")
    for objective in ("reverse-kl", "forward-kl")
    for threads in ("1", "2")
] + RUNS[-1:]


def undisturbed(command):
    """Plays a run to its end; returns its seconds."""
    start = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - start


def disturbed(command, folder, kills, seconds):
    """Kills a run this often, and lets it end; returns its folder. A run that ended before its last kill
    does not count: another one is killed sooner."""
    for attempt in itertools.count():
        out, pause = folder / f"killed-{attempt}", 1.4 * seconds / kills * 0.7**attempt + 0.1
        if all(killed([*command, out], random.uniform(0.02, pause)) for _ in range(kills)):
            subprocess.run([*command, out], check=True)
            return out


def killed(command, seconds):
    """Whether the run still lived to be killed after some seconds."""
    process = subprocess.Popen(command)
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait() == -signal.SIGKILL


def outcome(out):
    """Parameters' hash, and the metrics without times."""
    result = json.loads((out / "result.json").read_text())
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    timeless = [
        {key: value for key, value in line.items() if "time" not in key and "second" not in key}
        for line in lines
    ]
    return result["parameters_blake3"], timeless


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path, help="the program rlai")
    parser.add_argument("--kills", type=int, default=25, help="kills of each run")
    parser.add_argument("--all", action="store_true", help="every task, objective and number of threads")
    parser.add_argument("--full-size", action="store_true", help="default networks and batches")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    program = arguments.program.resolve()
    size = FULL_SIZE if arguments.full_size else SMALL
    equal = []
    for task, objective, more in ALL_RUNS if arguments.all else RUNS:
        command = [program, "train", "--env", task, "--objective", objective, *size, *more, "--out"]
        with tempfile.TemporaryDirectory() as folder:
            one = pathlib.Path(folder, "undisturbed")
            seconds = undisturbed([*command, one])
            other = disturbed(command, pathlib.Path(folder), arguments.kills, seconds)
            equal.append(outcome(one) == outcome(other))
        words = " ".join([task, objective, *more])
        result = "equal" if equal[-1] else "DIFFERENT"
        print(f"{words:45} {arguments.kills:3} kills  {result}", flush=True)
    print(f"resume: {sum(equal)} of {len(equal)} runs equal")
    sys.exit(not all(equal))


if __name__ == "__main__":
    main()
