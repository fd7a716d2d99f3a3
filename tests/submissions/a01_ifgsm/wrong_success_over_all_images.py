"""The success rate counts images that were misclassified before the attack."""

EXPECTED = {"test_success_rate": 0}
REPLACE = {"success_rate": {"fooled[attacked]": "fooled"}}
