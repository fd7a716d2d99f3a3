"""The slope of the mean loss over the batch, the same number for all."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {
        ', reduction="none"': "",
        "return (ahead - behind) / (2 * h)": "return ((ahead - behind) / (2 * h)).repeat(len(images))",
    }
}
