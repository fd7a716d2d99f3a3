"""Who is fooled moves no more."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "x.detach() + step_size * slope.sign()": "x.detach() + step_size * slope.sign() * ~ever.view(-1, 1, 1, 1)",
    },
}
