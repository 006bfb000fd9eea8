"""Whether what was drawn comes from a distribution."""

from statistics import NormalDist

import numpy as np


def chi_square_bound(degrees):
    """What chance exceeds once in 30,000 (Wilson and Hilferty 1931)."""
    part = 2 / (9 * degrees)
    return degrees * (1 - part + NormalDist().inv_cdf(1 - 1 / 30_000) * part**0.5) ** 3


def assert_drawn_from(counts, probabilities):
    """Pearson's test; what is expected less than five times is one bin."""
    expected = probabilities * counts.sum()
    assert counts[probabilities == 0].sum() == 0
    large = expected >= 5
    seen = np.append(counts[large], counts[~large].sum())
    meant = np.append(expected[large], expected[~large].sum())
    seen, meant = seen[meant > 0], meant[meant > 0]
    assert len(meant) > 2
    assert ((seen - meant) ** 2 / meant).sum() < chi_square_bound(len(meant) - 1)
