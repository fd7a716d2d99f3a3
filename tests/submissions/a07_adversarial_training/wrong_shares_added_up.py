"""Each pass takes the same share away."""

EXPECTED = {"test_shares": 0}
REPLACE = {
    "shares": {
        "keep ** (steps + 1), keep * (1 - keep**steps), momentum": (
            "1 - (steps + 1) * momentum, steps * momentum, momentum"
        )
    }
}
