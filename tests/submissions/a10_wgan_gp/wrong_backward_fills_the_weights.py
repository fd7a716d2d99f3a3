"""The slope is had by backward, which fills the gradients of the weights."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("(slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)"): (
            "critic(between).sum().backward(create_graph=True)\n    slope = between.grad"
        ),
    },
}
