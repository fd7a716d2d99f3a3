"""DeepFool works in eval mode and puts every module's mode back."""

EXPECTED = {"test_deepfool_traces": 0}
REPLACE = {
    "deepfool": {
        "    images = images.detach()": "    modes = [(m, m.training) for m in model.modules()]\n    model.eval()\n"
        "    images = images.detach()",
        "    return torch.where(changed": "    for m, mode in modes:\n        m.training = mode\n"
        "    return torch.where(changed",
    }
}
