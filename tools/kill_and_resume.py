#!/usr/bin/env python3
"""Kills runs at random moments, starts them again, and compares what they come to.

    python3 tools/kill_and_resume.py target/release/rlai --kills 25

Each run is made twice: once undisturbed, once killed (SIGKILL) this many times, also while it saves: a
checkpoint is due every 200 steps. Both must end with the same parameters and the same metrics, but for
fields that hold a time. Exits with 1 if anything differs. Needs MuJoCo (`rlai setup`).
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

SMALL = """--steps 6000 --learning-starts 500 --hidden 32,32 --batch 32 --evaluate-every 1500
--evaluation-episodes 1 --log-every 250 --checkpoint-every 200 --quiet""".split()

RUNS = [
    ("HalfCheetah-v5", "reverse-kl", []),
    ("HalfCheetah-v5", "forward-kl", ["--threads", "2"]),
    ("Humanoid-v5", "reverse-kl", ["--threads", "2"]),
    ("Humanoid-v5", "forward-kl", ["--samples", "4"]),
    ("CartPole-v1", "reverse-kl-all-actions", []),
]


def command(program, run, out):
    """The command of a run into a folder."""
    task, objective, more = run
    return [program, "train", "--env", task, "--objective", objective, *SMALL, *more, "--out", out]


def undisturbed(program, run, out):
    """Plays a run to its end; returns its seconds."""
    start = time.monotonic()
    subprocess.run(command(program, run, out), check=True)
    return time.monotonic() - start


def disturbed(program, run, out, kills, seconds):
    """Kills a run until it was killed often enough or has finished; returns how often."""
    killed = 0
    while killed < kills:
        process = subprocess.Popen(command(program, run, out))
        try:
            process.wait(timeout=random.uniform(0.02, 1.4 * seconds / kills + 0.1))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
    subprocess.run(command(program, run, out), check=True)
    return killed


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
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    program = arguments.program.resolve()
    equal = []
    for run in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            one, other = pathlib.Path(folder, "undisturbed"), pathlib.Path(folder, "killed")
            seconds = undisturbed(program, run, one)
            killed = disturbed(program, run, other, arguments.kills, seconds)
            equal.append(outcome(one) == outcome(other))
        words = " ".join([run[0], run[1], *run[2]])
        print(f"{words:45} {killed:3} kills  {'equal' if equal[-1] else 'DIFFERENT'}", flush=True)
    print(f"resume: {sum(equal)} of {len(equal)} runs equal")
    sys.exit(not all(equal))


if __name__ == "__main__":
    main()
