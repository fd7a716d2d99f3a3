"""No draw is ever won."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {"lead.clamp(max=margin)": "lead"},
}
