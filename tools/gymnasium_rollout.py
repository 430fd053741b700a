"""Rollouts of Gymnasium's tasks from a given state, for the golden files and the live comparison."""

import gymnasium
import mujoco
import numpy as np

# Otherwise MuJoCo writes its warnings to a file in the working directory.
mujoco.set_mju_user_warning(lambda message: None)

FAMILIES = ("Hopper", "Walker2d", "HalfCheetah", "Ant", "Humanoid")
TASKS = [f"{family}-{version}" for version in ("v5", "v4") for family in FAMILIES]
PENDULUM = "Pendulum-v1"
CART_POLE = "CartPole-v1"
ACROBOT = "Acrobot-v1"
MOUNTAIN_CARS = ["MountainCar-v0", "MountainCarContinuous-v0"]

# Actions reach this far beyond the task's limits.
OVERSHOOT = 1.2


def draw_initial_state(task, random):
    """A state near the default one, drawn wider than a MuJoCo task's own resets."""
    if task == PENDULUM:
        return {"qpos": random.uniform(-np.pi, np.pi, 1), "qvel": random.uniform(-1, 1, 1)}
    if task == CART_POLE:
        return {"qpos": random.uniform([-2, -0.2], [2, 0.2]), "qvel": random.uniform(-1, 1, 2)}
    if task == ACROBOT:
        return {"qpos": random.uniform(-3, 3, 2), "qvel": random.uniform(-5, 5, 2)}
    if task in MOUNTAIN_CARS:
        return {"qpos": random.uniform(-1.2, 0.5, 1), "qvel": random.uniform(-0.07, 0.07, 1)}
    model = gymnasium.make(task).unwrapped.model
    return {
        "qpos": model.qpos0 + random.uniform(-0.02, 0.02, model.nq),
        "qvel": random.normal(0.0, 0.05, model.nv),
    }


def draw_actions(space, steps, dtype, random):
    """Uniform actions of this precision, a part of them outside of the limits."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return random.integers(0, space.n, (steps, 1)).astype(dtype)
    low, high = OVERSHOOT * space.low.astype(float), OVERSHOOT * space.high.astype(float)
    return random.uniform(low, high, (steps, len(low))).astype(dtype)


def rollout(task, state, steps, dtype, random):
    """Plays `steps` random actions with no reset, no time limit and no stop at termination."""
    env = gymnasium.make(task).unwrapped
    actions = draw_actions(env.action_space, steps, dtype, random)
    env.reset(seed=0)
    observations = [first_observation(env, state)]
    rewards, terminated = [], []
    discrete = isinstance(env.action_space, gymnasium.spaces.Discrete)
    for action in actions:
        observation, reward, ended, _, _ = env.step(int(action[0]) if discrete else action)
        observations.append(observation)
        rewards.append(float(reward))
        terminated.append(bool(ended))
    env.close()
    return {
        "actions": actions,
        "observations": np.array(observations, dtype=np.float64),
        "rewards": np.array(rewards, dtype=np.float64),
        "terminated": np.array(terminated, dtype=bool),
    }


def first_observation(env, state):
    """Puts a task into a state as its own reset does; returns the observation."""
    if env.spec.id == PENDULUM:
        env.state = np.concatenate([state["qpos"], state["qvel"]])
        return env._get_obs()
    if env.spec.id == CART_POLE:
        (x, theta), (x_dot, theta_dot) = state["qpos"], state["qvel"]
        env.state = np.array([x, x_dot, theta, theta_dot])
        env.steps_beyond_terminated = None
        return np.array(env.state, dtype=np.float32)
    if env.spec.id == ACROBOT or env.spec.id in MOUNTAIN_CARS:
        env.state = np.concatenate([state["qpos"], state["qvel"]])
        return env._get_ob() if env.spec.id == ACROBOT else np.array(env.state, dtype=np.float32)
    mujoco.mj_resetData(env.model, env.data)
    env.set_state(state["qpos"], state["qvel"])
    return env._get_obs()
