"""The second term has the wrong sign."""

EXPECTED = {"test_boosted": 0}
REPLACE = {
    "boosted": {
        "2 * whole - logits.gather(1, labels[:, None])[:, 0] - rest.logsumexp(1)": (
            "rest.logsumexp(1) - logits.gather(1, labels[:, None])[:, 0]"
        )
    }
}
