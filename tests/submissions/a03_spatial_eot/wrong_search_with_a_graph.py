"""Gradients are left on, the result has a graph."""

EXPECTED = {"test_grid_search_traces": 0}
REPLACE = {
    "grid_search": {
        "with torch.no_grad():": "with torch.enable_grad():",
        "slant_translate(images, transforms[chosen])": (
            "slant_translate(images.clone().requires_grad_(), transforms[chosen])"
        ),
    },
}
