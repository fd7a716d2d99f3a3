"""P² has the sum of the squares as eigenvalues."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {"alpha * both * (1 + gamma * both)": ("alpha * (both + gamma * (a[:, None] ** 2 + b**2).to(c))")},
}
