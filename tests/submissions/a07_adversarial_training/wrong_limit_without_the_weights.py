"""Only the second derivatives with respect to the logits."""

EXPECTED = {"test_limit": 0}
REPLACE = {"limit": {"half = inner @ gram": "half = inner + 0 * gram"}}
