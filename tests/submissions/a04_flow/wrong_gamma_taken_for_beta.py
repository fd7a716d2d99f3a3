"""alpha I + gamma P: gamma stands where beta should."""

EXPECTED = {"test_dense_field": 0, "test_fast_field": 0}
REPLACE = {"dense_field": {"alpha * (torch.eye(": "(alpha * torch.eye("}, "fast_field": {"-alpha * (1 +": "-(alpha +"}}
