"""The last difference goes round to the first pixel."""

EXPECTED = {"test_difference_matrices": 0}


# %% grade_id: difference_matrices
def difference_matrices(height, width):
    d_x, d_y = torch.zeros(2, height * width, height * width, dtype=torch.float64)
    for i in range(height):
        for j in range(width):
            here = i * width + j
            d_x[here, here] -= 1
            d_x[here, i * width + (j + 1) % width] += 1
            d_y[here, here] -= 1
            d_y[here, (i + 1) % height * width + j] += 1
    return d_x, d_y
