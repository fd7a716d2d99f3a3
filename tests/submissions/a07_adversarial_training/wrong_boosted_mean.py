"""The mean over the batch."""

EXPECTED = {"test_boosted": 0}
REPLACE = {
    "boosted": {
        "2 * whole - logits.gather(1, labels[:, None])[:, 0] - rest.logsumexp(1)": (
            "(2 * whole - logits.gather(1, labels[:, None])[:, 0] - rest.logsumexp(1)).mean()"
        )
    }
}
