"""The clean answer is held as a constant."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {"clean.log_softmax(1), attacked": "clean.detach().log_softmax(1), attacked"}}
