"""The logarithm of the mean probability, which may be zero."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {"torch.logaddexp(p, q) - math.log(2)": "((p.exp() + q.exp()) / 2).log()"}}
