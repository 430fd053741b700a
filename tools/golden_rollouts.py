#!/usr/bin/env python3
"""Writes golden/rollouts/*.npz, short rollouts of Gymnasium's MuJoCo tasks, and three of the .json, of
its Acrobot and mountain cars: the truth for cargo test.

    python3 -m venv venv && venv/bin/pip install 'gymnasium[mujoco]==1.4.0' mujoco==3.17.0
    venv/bin/python tools/golden_rollouts.py

Each file holds an initial state (`qpos`, `qvel`), `actions` (float32 or float64), and what
Gymnasium made of them: `observations`, `rewards`, `terminated`; a JSON file holds several such. A rollout goes on past termination,
and a part of the actions lies outside of the task's limits, because Gymnasium does not clip them.
"""

import json
import pathlib

import gymnasium
import numpy as np

from gymnasium_rollout import ACROBOT, MOUNTAIN_CARS, TASKS, draw_initial_state, rollout

STEPS = 60
FOLDER = pathlib.Path(__file__).parent.parent / "golden/rollouts"


CLASSIC = dict(zip([ACROBOT, *MOUNTAIN_CARS], ["acrobot", "mountain_car", "mountain_car_continuous"]))
SEEDS = 6


def classic_rollout(task, dtype, seed):
    """One rollout as JSON has it."""
    random = np.random.default_rng(seed)
    state = draw_initial_state(task, random)
    result = rollout(task, state, STEPS, dtype, random)
    arrays = {name: values.tolist() for name, values in (state | result).items()}
    return {"precision": np.dtype(dtype).name, **arrays}


def write_classic():
    about = f"gymnasium {gymnasium.__version__}, numpy {np.__version__}"
    for task, name in CLASSIC.items():
        rollouts = [classic_rollout(task, dtype, seed) for dtype in (np.float32, np.float64) for seed in range(SEEDS)]
        lines = ",\n".join("  " + json.dumps(one) for one in rollouts)
        text = f'{{"about": "{task} of {about}", "rollouts": [\n{lines}\n]}}\n'
        (FOLDER / f"{name}.json").write_text(text)
        print(name, "terminated", sum(any(one["terminated"]) for one in rollouts), "of", len(rollouts))


def main():
    write_classic()
    for task in TASKS:
        for dtype in (np.float32, np.float64):
            random = np.random.default_rng(2026)
            state = draw_initial_state(task, random)
            if task.startswith("Ant"):
                state["qvel"][2] = 4.0  # a jump out of the healthy heights: random actions never end Ant
            result = rollout(task, state, STEPS, dtype, random)
            name = f"{task}-{np.dtype(dtype).name}.npz"
            np.savez_compressed(FOLDER / name, **state, **result)
            print(name, "terminated" if result["terminated"].any() else "")


if __name__ == "__main__":
    main()
