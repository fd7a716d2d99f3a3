"""The projection keeps to the ball but not to [0, 1]; the bounded attack that uses it is graded by itself."""

EXPECTED = {"test_project": 0}
REPLACE = {"project": {"inside_ball.clamp(0, 1)": "inside_ball"}}
