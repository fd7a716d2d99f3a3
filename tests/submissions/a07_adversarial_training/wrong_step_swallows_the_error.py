"""An error of the attack is turned into a loss of the images."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"    finally:\n": "    except Exception:\n        moved = images\n    finally:\n"}}
