"""Row and column of a corner are exchanged."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "(row, column) in": "(column, row) in",
    },
}
