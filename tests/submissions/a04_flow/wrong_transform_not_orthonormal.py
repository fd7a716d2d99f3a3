"""The first row of the transform is not divided by √2."""

EXPECTED = {"test_cosine_transform": 0}
REPLACE = {"cosine_transform": {"    matrix[0] /= 2**0.5\n": ""}}
