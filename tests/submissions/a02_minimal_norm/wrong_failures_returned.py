"""Images whose prediction has not changed after all steps come back moved."""

EXPECTED = {"test_deepfool": 0}
REPLACE = {"deepfool": {"return torch.where(changed.view(-1, 1, 1, 1), x, images)": "return x"}}
