"""eps is divided by the standard deviation of the data, as if the model took normalised images."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {"fgsm": {"+ eps * gradient": "+ eps / 0.3081 * gradient"}}
