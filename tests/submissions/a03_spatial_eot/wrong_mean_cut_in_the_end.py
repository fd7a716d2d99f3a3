"""The mean over the draws is cut, not each draw."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {
        (
            "    gradient = torch.zeros_like(images)\n    for transform in transforms:"
        ): "    leads = []\n    for transform in transforms:",
        (
            "        gradient += torch.autograd.grad(lead.clamp"
            "(max=margin).sum(), x)[0] / len(transforms)\n    re"
            "turn gradient.detach()"
        ): (
            "        leads.append(lead)\n    return torch.autogr"
            "ad.grad(torch.stack(leads).mean(0).clamp(max=margi"
            "n).sum(), x)[0]"
        ),
    },
}
