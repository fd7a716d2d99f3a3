"""The derivative of the logistic loss at zero is taken for one."""

EXPECTED = {"test_contraction": 0}
REPLACE = {
    "contraction": {
        "[pull, -step / 2], [step / 2, 1.0]": "[pull, -step], [step, 1.0]",
        "[step / 2 * pull, 1 - step**2 / 4]": "[step * pull, 1 - step**2]",
    },
}
