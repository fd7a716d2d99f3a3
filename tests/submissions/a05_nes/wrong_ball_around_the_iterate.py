"""The ball lies around the iterate in place of the image."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        ("moved.clamp(images[active] - eps, images[active] + eps)"): "moved.clamp(x[active] - eps, x[active] + eps)",
    },
}
