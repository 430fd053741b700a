"""Writes golden/rollouts/cart_pole.json: rollouts of Gymnasium's CartPole-v1.

    pip install gymnasium==1.4.0
    python golden/generate/cart_pole.py [STEPS [SEEDS]] > golden/rollouts/cart_pole.json

They go on after the pole has fallen, so that ends and what follows them are part of the vectors. There is
no time limit.
"""

import json
import sys

import gymnasium
import numpy as np


def rollout(seed, steps):
    rng = np.random.default_rng(seed)
    env = gymnasium.make("CartPole-v1").unwrapped
    env.reset(seed=0)
    qpos, qvel = rng.uniform([-2.0, -0.2], [2.0, 0.2]), rng.uniform(-1.0, 1.0, 2)
    env.state = np.array([qpos[0], qvel[0], qpos[1], qvel[1]])
    env.steps_beyond_terminated = None
    observations = [np.array(env.state, dtype=np.float32)]
    actions = [int(action) for action in rng.integers(0, 2, steps)]
    rewards, terminated = [], []
    for action in actions:
        observation, reward, ended, _, _ = env.step(action)
        observations.append(observation)
        rewards.append(float(reward))
        terminated.append(bool(ended))
    return {
        "qpos": [float(x) for x in qpos],
        "qvel": [float(x) for x in qvel],
        "actions": actions,
        "observations": [[float(x) for x in row] for row in observations],
        "rewards": rewards,
        "terminated": terminated,
    }


def main():
    steps, seeds = (int(x) for x in (sys.argv[1:] + ["60", "6"][len(sys.argv) - 1 :]))
    about = f"CartPole-v1 of gymnasium {gymnasium.__version__}, numpy {np.__version__}"
    lines = ",\n".join("  " + json.dumps(rollout(seed, steps)) for seed in range(seeds))
    print(f'{{"about": "{about}", "rollouts": [\n{lines}\n]}}')


main()
