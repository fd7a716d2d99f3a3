"""The graph is kept."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {"with torch.no_grad():": "with torch.enable_grad():"},
}
