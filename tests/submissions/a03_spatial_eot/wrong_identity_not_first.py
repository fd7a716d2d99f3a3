"""The combinations stay in the order of the loops, so the identity is in the middle."""

EXPECTED = {"test_transform_grid": 0}
REPLACE = {"transform_grid": {"return torch.cat([transforms[identity], transforms[~identity]])": "return transforms"}}
