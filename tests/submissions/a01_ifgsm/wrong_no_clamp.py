"""Nothing is clamped: pixels leave [0, 1], in one step and in many."""

EXPECTED = {"test_fgsm": 0, "test_ifgsm_steps": 0}
REPLACE = {
    "fgsm": {"(x.detach() + eps * gradient.sign()).clamp(0, 1)": "x.detach() + eps * gradient.sign()"},
    "ifgsm": {"(adversarial + step_size * gradient.sign()).clamp(0, 1)": "adversarial + step_size * gradient.sign()"},
}
