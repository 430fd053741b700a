"""Trains one peer's soft actor-critic for a while and prints its speed as a JSON object.

    worker.py {sb3|sbx} ENV THREADS SECONDS

The same settings as `rlai bench`: networks of 256x256, batches of 256, one update after every step, 2,000 random
steps first. The clock starts 200 updates later, when everything is compiled and warm.
"""

import json
import sys
import time

from stable_baselines3.common.callbacks import BaseCallback

RANDOM_STEPS = 2_000
WARM_UP_UPDATES = 200


class Clock(BaseCallback):
    """Measures for so many seconds, then stops the training."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.start = None
        self.rate = None

    def _on_step(self):
        step = self.num_timesteps - RANDOM_STEPS - WARM_UP_UPDATES
        if step == 0:
            self.start = time.perf_counter()
        elif step > 0:
            elapsed = time.perf_counter() - self.start
            self.rate = step / elapsed
            return elapsed < self.seconds
        return True


def algorithm(peer, threads):
    if peer == "sb3":
        import torch
        from stable_baselines3 import SAC

        torch.set_num_threads(threads)
        return SAC, {"device": "cpu"}
    from sbx import SAC

    return SAC, {}


def main():
    peer, env, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    sac, settings = algorithm(peer, threads)
    model = sac("MlpPolicy", env, batch_size=256, learning_starts=RANDOM_STEPS, train_freq=1, gradient_steps=1,
                policy_kwargs={"net_arch": [256, 256]}, seed=0, **settings)
    clock = Clock(seconds)
    model.learn(total_timesteps=10**9, callback=clock)
    print(json.dumps({"env_steps_per_second": clock.rate}))


if __name__ == "__main__":
    main()
