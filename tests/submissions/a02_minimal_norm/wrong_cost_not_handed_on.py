"""The loop takes steps at cost 1; the attack asks for an objective at cost 1."""

EXPECTED = {"test_deepfool": 0, "test_carlini_wagner": 0}
REPLACE = {
    "deepfool": {"deepfool_step(model, x, cost)": "deepfool_step(model, x, torch.ones_like(x))"},
    "carlini_wagner": {
        "objective(model, w, images, cost, wanted": "objective(model, w, images, torch.ones_like(cost), wanted"
    },
}
