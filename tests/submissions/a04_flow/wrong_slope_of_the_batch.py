"""One number for the whole batch."""

EXPECTED = {"test_predicted_slope": 0}
REPLACE = {
    "predicted_slope": {'"nij,nij->n"': '"nij,nij->"'},
}
