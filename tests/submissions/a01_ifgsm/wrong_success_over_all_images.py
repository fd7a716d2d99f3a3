"""The success rate counts images that were misclassified before the attack."""

EXPECTED = {"test_success_rate": 0}


# %% grade_id: success_rate
def success_rate(model, images, adversarial, labels):
    return (model(adversarial).argmax(1) != labels).float().mean().item()
