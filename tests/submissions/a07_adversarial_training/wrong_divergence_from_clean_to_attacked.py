"""The Kullback-Leibler divergence of MART."""

EXPECTED = {"test_consistency": 0}
REPLACE = {
    "consistency": {"(p.exp() * (p - middle) + q.exp() * (q - middle)).sum(1) / 2": "(p.exp() * (p - q)).sum(1)"}
}
