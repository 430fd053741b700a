#!/usr/bin/env python3
"""Writes golden/rollouts/*.npz: short rollouts of Gymnasium's MuJoCo tasks, the truth for cargo test.

    python3 -m venv venv && venv/bin/pip install 'gymnasium[mujoco]==1.4.0' mujoco==3.17.0
    venv/bin/python tools/golden_rollouts.py

Each file holds an initial state (`qpos`, `qvel`), `actions` (float32 or float64), and what
Gymnasium made of them: `observations`, `rewards`, `terminated`. A rollout goes on past termination,
and a part of the actions lies outside of the task's limits, because Gymnasium does not clip them.
"""

import pathlib

import numpy as np

from gymnasium_rollout import TASKS, draw_initial_state, rollout

STEPS = 60
FOLDER = pathlib.Path(__file__).parent.parent / "golden/rollouts"


def main():
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
