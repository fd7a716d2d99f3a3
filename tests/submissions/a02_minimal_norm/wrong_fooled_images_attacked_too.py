"""An image that is taken for a wanted class from the start comes back as the closest iterate, not as it was."""

EXPECTED = {"test_carlini_wagner": 0}
REPLACE = {"carlini_wagner": {"closer = attacked & success": "closer = success"}}
