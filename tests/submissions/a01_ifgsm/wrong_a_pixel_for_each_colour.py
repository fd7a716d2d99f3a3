"""Every colour gets pixels of its own."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {
    "fgsm": {
        "(gradient * (moved - images)).sum(1).flatten(1)": "(gradient * (moved - images)).flatten(2)",
        "scatter(1, added.topk(count, dim=1)": "scatter(2, added.topk(count, dim=2)",
        "chosen.view_as(images[:, :1])": "chosen.view_as(images)",
    }
}
