#!/usr/bin/env python3
"""Makes a finished study of 200 runs and measures how long `rlai study status` and `rlai study report` take.

    python3 tools/large_study.py target/release/rlai [--repeat 3] [--limit 5] [--undisturbed] [--keep DIR]

The study has the size of studies/figure-3.toml: five tasks, two sizes of replay, two objectives, ten seeds, a
million steps with a line of training every 1,000 and an evaluation every 10,000. One run of each configuration is
really made, in moments; the others have its files with made-up returns and numbers of the same length. Everything
lies in a temporary folder (some 150 MB) that is removed. Tells the median of the times with the machine's load;
exits with 1 if one is above the limit, in seconds. On a busy machine --undisturbed (as root) measures with a
real-time priority, as if nothing else ran.
"""

import argparse
import json
import math
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TASKS = ["Pendulum-v1", "MountainCarContinuous-v0", "probe:action:box", "probe:delay:box", "probe:both:box"]
SEEDS, STEPS, LOG, EVALUATE = 10, 1_000_000, 1_000, 10_000
TINY = {"steps": 300, "evaluate_every": 100, "log_every": 100}
FULL = {"steps": STEPS, "evaluate_every": EVALUATE, "log_every": LOG}


def study_text(seeds, lengths):
    """The study's file."""
    lines = ['name = "large"', 'title = "Two hundred runs"', f"seeds = {seeds}", "[base]", "learning_starts = 100",
             "hidden = [8]", "batch = 8", "evaluation_episodes = 10"]
    lines += [f"{key} = {value}" for key, value in lengths.items()]
    lines += ["[grid]", f"env = {json.dumps(TASKS)}", "buffer = [50_000, 1_000_000]"]
    for name, more in (("reverse-kl", ""), ("forward-kl", "samples = 16")):
        lines += ["[[variant]]", f'name = "{name}"', f'objective = "{name}"', more]
    for task in TASKS:
        lines += [f"[reference.{json.dumps(task)}]", "low = 0", "high = 1000"]
    return "\n".join(lines) + "\n"


def varied(line, chance):
    """A line with other numbers of the same size; whole numbers stay."""
    number = lambda value: value * (1 + 0.1 * chance.random()) if isinstance(value, float) else value
    return {key: number(value) for key, value in line.items()}


def metrics(train, evaluation, chance):
    """Lines of a run of full length, and its evaluations."""
    level, speed = 800 + 300 * chance.random(), STEPS * (0.1 + 0.2 * chance.random())
    lines, points = [], []
    for step in range(LOG, STEPS + 1, LOG):
        lines.append(varied(train, chance) | {"step": step, "time_seconds": step / 300})
        if step % EVALUATE == 0:
            mean = level * (1 - math.exp(-step / speed)) + chance.gauss(0, 40)
            returns = [mean + chance.gauss(0, 60) for _ in range(10)]
            point = {"step": step, "return_mean": statistics.mean(returns), "return_sd": statistics.stdev(returns)}
            points.append(point)
            lines.append(evaluation | point | {"returns": returns, "time_seconds": step / 300})
    return "".join(json.dumps(line) + "\n" for line in lines), points


def make_run(source, folder, seed):
    """A run of full length in `folder` after the one in `source`, which may be the same."""
    lines = [json.loads(line) for line in (source / "metrics.jsonl").read_text().splitlines()]
    train = [line for line in lines if line["kind"] == "train"][-1]
    evaluation = [line for line in lines if line["kind"] == "evaluation"][-1]
    text, points = metrics(train, evaluation, random.Random(f"{source.parent}/{seed}"))
    if folder != source:
        shutil.copytree(source, folder, symlinks=True)
    for key, value in (FULL | {"seed": seed, "out": json.dumps(str(folder))}).items():
        run = (folder / "run.toml").read_text()
        (folder / "run.toml").write_text(re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", run))
    (folder / "metrics.jsonl").unlink()
    (folder / "attempt-1" / "metrics.jsonl").write_text(text)
    os.link(folder / "attempt-1" / "metrics.jsonl", folder / "metrics.jsonl")
    result = json.loads((folder / "result.json").read_text())
    result |= {"seed": seed, "out": str(folder), "steps": STEPS, "evaluations": points,
               "final_return": points[-1]["return_mean"], "wall_time_seconds": STEPS / 300}
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")


def make(program, room):
    """The study; its folder."""
    (room / "large.toml").write_text(study_text(1, TINY))
    subprocess.run([program, "study", "run", "large.toml"], cwd=room, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    out = room / "runs" / "large"
    for first in sorted(path.parent for path in out.glob("**/seed0/result.json")):
        for seed in range(SEEDS - 1, -1, -1):
            make_run(first, first.parent / f"seed{seed}", seed)
    (out / "study.toml").write_text(study_text(SEEDS, FULL))
    return out


def seconds(*command, cwd):
    begun = time.monotonic()
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    taken = time.monotonic() - begun
    if done.returncode != 0:
        sys.exit(f"{command}: exit {done.returncode}: {done.stderr}")
    return taken, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path, help="the program rlai")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is measured")
    parser.add_argument("--limit", type=float, default=math.inf, help="most seconds that either may take")
    parser.add_argument("--undisturbed", action="store_true", help="before all other processes")
    parser.add_argument("--keep", type=pathlib.Path, help="make it in this folder, and keep it")
    arguments = parser.parse_args()
    program = str(arguments.program.resolve())
    room = arguments.keep or pathlib.Path(tempfile.mkdtemp(prefix="large_study-"))
    slow, first = False, ["chrt", "--fifo", "1"] if arguments.undisturbed else []
    try:
        room.mkdir(exist_ok=True)
        room = room.resolve()
        out = make(program, room)
        told = json.loads(seconds(program, "study", "status", "runs/large", "--json", cwd=room)[1])
        assert told["states"] == {"finished": 200}, told["states"]
        size = sum(path.stat().st_size for path in out.glob("**/attempt-1/metrics.jsonl"))
        print(f"200 runs with {size / 1e6:.0f} MB of metrics, {os.cpu_count()} cores")
        for command in (["status"], ["report"], ["report", "--without-wall-clock", "--smooth", "0.9"]):
            whole = [*first, program, "study", *command, "runs/large"]
            times = [seconds(*whole, cwd=room)[0] for _ in range(arguments.repeat)]
            median, load = statistics.median(times), os.getloadavg()[0]
            shown = ", ".join(f"{time:.2f}" for time in times)
            print(f"study {' '.join(command)}: median {median:.2f} s ({shown}), load {load:.1f}", flush=True)
            slow |= median > arguments.limit
    finally:
        if not arguments.keep:
            shutil.rmtree(room, ignore_errors=True)
    sys.exit(slow)


if __name__ == "__main__":
    main()
