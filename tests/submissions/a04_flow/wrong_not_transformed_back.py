"""The result is left in the transform."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {
        ("-down @ ((down @ c @ across) / (alpha * both * (1 + gamma * both))) @ across"): (
            "-(down @ c @ across) / (alpha * both * (1 + gamma * both))"
        )
    },
}
