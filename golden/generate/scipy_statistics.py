"""Writes golden/statistics/scipy.json: intervals, tests and quantiles as SciPy has them.

    pip install scipy==1.17.1
    python golden/generate/scipy_statistics.py > golden/statistics/scipy.json

BCa intervals are of all resamples, so that they are exact: SciPy is given the enumerated distribution and
draws nothing itself.
"""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import scipy
from scipy import stats


def resamples(sample):
    return itertools.product(sample, repeat=len(sample))


def bca(samples, statistic, level):
    values = [statistic(*(np.array(s) for s in drawn)) for drawn in itertools.product(*map(resamples, samples))]
    known = SimpleNamespace(bootstrap_distribution=np.array(values))
    result = stats.bootstrap(
        samples,
        statistic,
        n_resamples=0,
        bootstrap_result=known,
        confidence_level=level,
        method="BCa",
        vectorized=False,
        paired=False,
    )
    ends = result.confidence_interval
    return {"samples": samples, "level": level, "low": float(ends.low), "high": float(ends.high)}


def difference(x, y):
    return np.mean(x) - np.mean(y)


def welch(x, y):
    result = stats.ttest_ind(x, y, equal_var=False)
    interval = result.confidence_interval(0.95)
    return {
        "x": x,
        "y": y,
        "t": float(result.statistic),
        "degrees": float(result.df),
        "p": float(result.pvalue),
        "low": float(interval.low),
        "high": float(interval.high),
    }


def power(d, n, alpha):
    df, shift = 2 * n - 2, d * np.sqrt(n / 2)
    critical = stats.t.ppf(1 - alpha / 2, df)
    beyond = stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift)
    return {"difference": d, "runs": n, "significance": alpha, "power": float(beyond)}


# Sums of eighths are exact, so that ties are ties in any order of addition.
SKEWED = [0.125, 0.25, 0.375, 1.0, 3.0, 7.5]
FOUR = [1.0, 1.5, 1.75, 9.0]
OTHER = [0.5, 2.0, 2.25, 3.0]

SHARES = [1e-300, 1e-12, 1e-6, 0.001, 0.025, 0.1, 0.3, 0.5, 0.6, 0.9, 0.975, 0.999, 1 - 1e-9]

print(
    json.dumps(
        {
            "about": f"scipy {scipy.__version__}, numpy {np.__version__}",
            "bca_mean": [bca([SKEWED], np.mean, level) for level in (0.9, 0.95)],
            "bca_trimmed_mean": [bca([SKEWED], lambda x: stats.trim_mean(x, 0.25), 0.9)],
            "bca_difference": [bca([FOUR, OTHER], difference, level) for level in (0.8, 0.95)],
            "welch": [
                welch(SKEWED, FOUR),
                welch(FOUR, OTHER),
                welch([5060.0, 5244.5, 4910.25, 5010.0, 5391.0], [4231.0, 4630.5, 4007.0]),
                welch([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
                welch([1.0, 1.0001, 0.9999, 1.00005], [2.0, 2.0001, 1.9999, 2.0002]),
            ],
            "power": [
                power(d, n, alpha)
                for d, n, alpha in [(1, 16, 0.05), (1, 17, 0.05), (0.7, 33, 0.05), (1, 2, 0.05), (0, 10, 0.05), (2.5, 5, 0.01), (-0.5, 100, 0.1)]
            ],
            "normal_quantile": [[share, float(stats.norm.ppf(share))] for share in SHARES],
        },
        indent=1,
    )
)
