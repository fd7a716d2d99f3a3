"""Everything comes back as it was, and every number is zero."""

EXPECTED = {
    "test_shake": 0,
    "test_shake_transpose": 0,
    "test_shake_gradient": 0,
    "test_staircase": 0,
    "test_attack_through": 0,
    "test_attack_best": 0,
    "test_may_stop": 0,
    "test_crop_positions": 0,
    "test_crop_gradient": 0,
    "test_filled": 0,
    "test_drop_gradient": 0,
    "test_judge": 0,
    "test_signs": 0,
}


# %% grade_id: shake
def shake(images, moves, weights):
    return images.clone()


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    return gradients.clone()


# %% grade_id: shake_gradient
def shake_gradient(gradient_at, images, moves, weights):
    return gradient_at(images)


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images, bits, a):
        return images.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None, None


# %% grade_id: attack_through
def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
    return images.clone(), torch.zeros(steps + 1)


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    return True


# %% grade_id: crop_positions
def crop_positions(count, draws, rows, columns, generator):
    return torch.zeros(count, draws, 2).long()


# %% grade_id: crop_gradient
def crop_gradient(model, images, labels, side, positions, at_once):
    return images.clone()


# %% grade_id: filled
def filled(images, mask):
    return 1 * images


# %% grade_id: drop_gradient
def drop_gradient(model, smooth, images, labels, drop, draws, generator):
    return images.clone()


# %% grade_id: judge
def judge(model, images, labels, draws, tries):
    return 0.0, 0.0, 0.0, 0.0


# %% grade_id: signs
def signs(wrong, zero):
    return dict.fromkeys(("one step", "random", "black box", "unbounded", "no gradient"), 0)
