#!/usr/bin/env python3
"""Compares `rlai env rollout` with Gymnasium, live, to the last bit.

    python3 -m venv venv && venv/bin/pip install 'gymnasium[mujoco]==1.4.0' mujoco==3.17.0
    venv/bin/python tools/parity.py target/release/rlai

Ten MuJoCo tasks (five families, -v5 and -v4) and five of classic control (Pendulum-v1, CartPole-v1,
Acrobot-v1, both mountain cars), float32 and float64 actions, several seeds. Observations, rewards and terminations must be equal to the last bit; Pendulum-v1's rewards
to single precision, in which its observations are. Exits with 1 if anything differs.
"""

import argparse
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import gymnasium
import mujoco
import numpy as np

from gymnasium_rollout import ACROBOT, CART_POLE, MOUNTAIN_CARS, PENDULUM, TASKS, draw_initial_state, rollout

CLASSIC = [PENDULUM, CART_POLE, ACROBOT, *MOUNTAIN_CARS]
FIELDS = ("observations", "rewards", "terminated")


def rlai_rollout(program, task, state, actions, folder):
    """The rollout of the program under test."""
    initial, actions_file, out = (folder / name for name in ("state.json", "actions.npy", "out.npz"))
    initial.write_text(json.dumps({name: values.tolist() for name, values in state.items()}))
    np.save(actions_file, actions)
    command = [program, "env", "rollout", "--env", task, "--initial", initial]
    subprocess.run([*command, "--actions", actions_file, "--out", out], check=True)
    with np.load(out) as file:
        return {name: file[name] for name in FIELDS}


def same_bits(ours, theirs):
    """Whether two arrays are equal in shape, type and every bit."""
    same_form = ours.shape == theirs.shape and ours.dtype == theirs.dtype
    return same_form and ours.tobytes() == theirs.tobytes()


def agree(task, name, ours, theirs):
    """Whether a field agrees as closely as it must."""
    if task == PENDULUM and name == "rewards":
        return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=2.0**-24, atol=0)
    return same_bits(ours, theirs)


def first_difference(ours, theirs):
    """Where two arrays differ first, in words."""
    if ours.shape != theirs.shape:
        return f"shape {ours.shape}, Gymnasium has {theirs.shape}"
    rows = (ours != theirs).reshape(len(ours), -1).any(axis=1)
    row = int(np.argmax(rows))
    difference = np.abs(ours.astype(float) - theirs.astype(float)).max()
    return f"row {row} first, {rows.sum()} of {len(rows)} rows, largest {difference:.3g}"


def compare(program, task, dtype, seed, steps):
    """Differences of one rollout, a line each, and how many steps were terminated."""
    random = np.random.default_rng(seed)
    state = draw_initial_state(task, random)
    theirs = rollout(task, state, steps, dtype, random)
    with tempfile.TemporaryDirectory() as folder:
        ours = rlai_rollout(program, task, state, theirs["actions"], pathlib.Path(folder))
    lines = [
        f"{name}: {first_difference(ours[name], theirs[name])}"
        for name in FIELDS
        if not agree(task, name, ours[name], theirs[name])
    ]
    return lines, int(theirs["terminated"].sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path, help="the program rlai")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    print(f"gymnasium {gymnasium.__version__}, MuJoCo {mujoco.__version__}, numpy {np.__version__}")
    print(f"{'task':24} {'actions':8} {'seed':>4} {'terminated':>10}  result")
    mujoco_equal = compare_all(TASKS, arguments)
    classic_equal = {task: compare_all([task], arguments) for task in CLASSIC}
    for task, equal in classic_equal.items():
        print(f"{task}: {sum(equal)} of {len(equal)} rollouts equal")
    print(f"parity: {sum(mujoco_equal)} of {len(mujoco_equal)} rollouts bit-exact")
    sys.exit(not all(mujoco_equal + sum(classic_equal.values(), [])))


def compare_all(tasks, arguments):
    """Prints a line a rollout; returns for each whether it agrees."""
    results = []
    dtypes = (np.float32, np.float64)
    for task, dtype, seed in itertools.product(tasks, dtypes, range(arguments.seeds)):
        lines, terminated = compare(arguments.program.resolve(), task, dtype, seed, arguments.steps)
        result = "equal" if not lines else "; ".join(lines)
        print(f"{task:24} {np.dtype(dtype).name:8} {seed:4} {terminated:10}  {result}", flush=True)
        results.append(not lines)
    return results


if __name__ == "__main__":
    main()
