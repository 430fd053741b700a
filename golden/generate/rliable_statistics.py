"""Writes golden/statistics/rliable.json and rliable_exact.json: what rliable makes of small matrices.

    pip install rliable==1.2.0 arch==7.2.0 pandas==2.3.3
    python golden/generate/rliable_statistics.py golden/statistics

Matrices are of runs by tasks. Aggregates of intervals are in the order median, interquartile mean, mean,
optimality gap, those of the exact file interquartile mean, mean, median, optimality gap.
"""

import itertools
import json
import pathlib
import sys

import numpy as np
import scipy.stats
from rliable import library, metrics


def matrix(runs, tasks, a, b):
    i, j = np.arange(runs)[:, None], np.arange(tasks)[None, :]
    return ((a * i + b * j) % 17) / 16.0


def aggregates(scores):
    return np.array(
        [
            metrics.aggregate_median(scores),
            metrics.aggregate_iqm(scores),
            metrics.aggregate_mean(scores),
            metrics.aggregate_optimality_gap(scores),
        ]
    )


def intervals(scores, method, tasks=False):
    np.random.seed(0)
    estimates = library.get_interval_estimates(
        {"X": scores}, aggregates, reps=20000, method=method, task_bootstrap=tasks
    )
    return estimates[1]["X"].tolist()


def reference():
    x, y = matrix(5, 4, 7, 3), matrix(6, 4, 5, 2) * 0.9
    both = {"X": x, "Y": y}
    out = {name: scores.tolist() for name, scores in both.items()}
    functions = {
        "mean": metrics.aggregate_mean,
        "median": metrics.aggregate_median,
        "iqm": metrics.aggregate_iqm,
        "optimality_gap": metrics.aggregate_optimality_gap,
    }
    for key, function in functions.items():
        out[key] = {name: float(function(scores)) for name, scores in both.items()}
    improvement = metrics.probability_of_improvement
    out["poi"] = {
        "X>Y": float(improvement(x, y)),
        "Y>X": float(improvement(y, x)),
        "X>X": float(improvement(x, x)),
        "X>perm(X)": float(improvement(x, x[::-1])),
    }
    out["taus"] = taus = [0, 0.25, 0.5, 0.75, 1.0]
    for key, function in (
        ("profile_runs", library.score_distributions),
        ("profile_task_avg", library.average_score_distributions),
    ):
        out[key] = {name: function(scores, taus).tolist() for name, scores in both.items()}
    for method in ("percentile", "basic", "bc", "bca"):
        out["ci_" + method] = intervals(x, method)
    out["ci_percentile_task"] = intervals(x, "percentile", tasks=True)
    np.random.seed(0)
    ends = library.get_interval_estimates({"X,Y": [x, y]}, improvement, reps=5000)[1]["X,Y"]
    out["poi_ci"] = [float(np.ravel(end)[0]) for end in ends]
    for runs, name in ((np.arange(10.0) ** 2, "10"), (np.arange(6.0) ** 2, "6"), (np.array([0.0, 1, 9]), "3")):
        out["trim_mean_" + name] = float(scipy.stats.trim_mean(runs, 0.25))
    return out


def exact():
    x = np.array([[0.0, 0.5], [0.25, 1.0], [1.0, 0.75]])
    order = [1, 2, 0, 3]
    resamples = [
        aggregates(np.stack([x[list(a), 0], x[list(b), 1]], 1))[order]
        for a in itertools.product(range(3), repeat=3)
        for b in itertools.product(range(3), repeat=3)
    ]
    values = np.array(resamples)
    np.random.seed(0)
    drawn = library.get_interval_estimates({"X": x}, lambda scores: aggregates(scores)[order], reps=50000)
    a = np.array([[1.0, 1.0], [1.0, 2.0]])
    b = np.array([[1.0, 1.0], [0.0, 3.0], [2.0, 1.0]])
    frames = np.arange(24.0).reshape(3, 2, 4) / 24
    return {
        "X": x.tolist(),
        "n": len(values),
        "exact_boot_mean": values.mean(0).tolist(),
        "exact_boot_std": values.std(0).tolist(),
        "exact_pct_2.5": np.percentile(values, 2.5, axis=0).tolist(),
        "exact_pct_97.5": np.percentile(values, 97.5, axis=0).tolist(),
        "rliable_ci_50000": drawn[1]["X"].tolist(),
        "poi_ties": {
            "A": a.tolist(),
            "B": b.tolist(),
            "AB": float(metrics.probability_of_improvement(a, b)),
            "BA": float(metrics.probability_of_improvement(b, a)),
        },
        "iqm_curve": {
            "Z": "arange(24).reshape(3,2,4)/24",
            "iqm": [float(metrics.aggregate_iqm(frames[..., k])) for k in range(4)],
        },
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, made in (("rliable", reference()), ("rliable_exact", exact())):
        (folder / f"{name}.json").write_text(json.dumps(made, indent=1) + "\n")


main()
