"""Divided by the number of draws that are not won."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {
        "    gradient = torch.zeros_like(images)": "    gradient, count = torch.zeros_like(images), 0",
        (
            "        gradient += torch.autograd.grad(lead.clamp"
            "(max=margin).sum(), x)[0] / len(transforms)\n    re"
            "turn gradient.detach()"
        ): (
            "        gradient += torch.autograd.grad(lead.clamp"
            "(max=margin).sum(), x)[0]\n        count = count + "
            "(lead.detach() < margin).view(-1, 1, 1, 1)\n    ret"
            "urn gradient / count.clamp(min=1)"
        ),
    },
}
