"""The generator of the starts is seeded again, so that every call begins with the same ones."""

EXPECTED = {"test_project": 0, "test_lipschitz": 0}
REPLACE = {
    "project": {"    with torch.no_grad():": "    generator.manual_seed(0)\n    with torch.no_grad():"},
    "lipschitz": {"    x = points.detach()": "    generator.manual_seed(0)\n    x = points.detach()"},
}
