"""The image's own gradient is that in a batch of one."""

EXPECTED = {"test_leak": 0}
REPLACE = {
    "leak": {
        ("torch.autograd.grad(score, x, retain_graph=True)[0][i] for i, score in enumerate(scores)"): (
            "torch.autograd.grad(critic(one).sum(), one)[0][0] for one in "
            "[e[None].clone().requires_grad_() for e in x.detach()]"
        ),
    },
}
