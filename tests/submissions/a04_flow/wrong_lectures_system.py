"""The lecture's system, I + gamma P in place of P + gamma P²."""

EXPECTED = {"test_dense_stream": 0, "test_fast_stream": 0}
REPLACE = {
    "dense_stream": {
        "(roughness + gamma * roughness @ roughness)": ("(torch.eye(len(roughness)).to(c) + gamma * roughness)")
    },
    "fast_stream": {"(both + gamma * both.square())": "(1 + gamma * both)"},
}
