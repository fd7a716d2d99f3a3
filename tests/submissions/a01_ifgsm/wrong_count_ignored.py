"""All pixels are changed, as in the paper."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {"fgsm": {"torch.where(chosen.view_as(images[:, :1]) > 0, moved, x.detach())": "moved"}}
