"""An image whose start has its target not listed goes on."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "    rows = rows[begun]\n": "",
    },
}
