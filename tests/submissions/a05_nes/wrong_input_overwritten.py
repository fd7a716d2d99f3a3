"""The iterates are written into the caller's tensor."""

EXPECTED = {"test_attack": 0, "test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        ("best, x, velocity = images.clone(), images.clone(), torch"): (
            "best, x, velocity = images.clone(), images, torch"
        ),
    },
}
