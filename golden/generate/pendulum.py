"""Writes golden/rollouts/pendulum.json: rollouts of Gymnasium's Pendulum-v1.

    pip install gymnasium==1.4.0
    python golden/generate/pendulum.py [STEPS [SEEDS]] > golden/rollouts/pendulum.json

Actions reach beyond the box, so that clipping is part of the vectors. There is no time limit.
"""

import json
import sys

import gymnasium
import numpy as np


def rollout(seed, precision, steps):
    rng = np.random.default_rng(seed)
    env = gymnasium.make("Pendulum-v1").unwrapped
    env.reset(seed=0)
    qpos, qvel = rng.uniform([-np.pi, -8.0], [np.pi, 8.0])
    env.state = np.array([qpos, qvel])
    observations = [env._get_obs()]
    actions = rng.uniform(-2.5, 2.5, size=(steps, 1)).astype(precision)
    rewards = []
    for action in actions:
        observation, reward, _, _, _ = env.step(action)
        observations.append(observation)
        rewards.append(float(reward))
    return {
        "precision": precision,
        "qpos": [float(qpos)],
        "qvel": [float(qvel)],
        "actions": [float(action[0]) for action in actions],
        "observations": [[float(x) for x in row] for row in observations],
        "rewards": rewards,
    }


def main():
    steps, seeds = (int(x) for x in (sys.argv[1:] + ["100", "2"][len(sys.argv) - 1 :]))
    rollouts = [
        rollout(seed, precision, steps)
        for precision in ("float32", "float64")
        for seed in range(seeds)
    ]
    about = f"Pendulum-v1 of gymnasium {gymnasium.__version__}, numpy {np.__version__}"
    lines = ",\n".join("  " + json.dumps(item) for item in rollouts)
    print(f'{{"about": "{about}", "rollouts": [\n{lines}\n]}}')


main()
