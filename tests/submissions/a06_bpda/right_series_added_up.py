"""What is still to come is added up window by window; signs are counted in a loop."""

EXPECTED = {}


# %% grade_id: may_stop
def may_stop(curve, last, tolerance):
    c = [float(v) for v in curve]
    if c[-1] >= 1:
        return True
    if len(c) <= 2 * last or c[-1] <= c[0]:
        return False
    r1, r2 = c[-1 - last] - c[-1 - 2 * last], c[-1] - c[-1 - last]
    if r2 == 0:
        return True
    if r2 >= r1:
        return False
    rest, rise = 0.0, r2
    for _ in range(10000):
        rise *= r2 / r1
        rest += rise
    return rest <= tolerance


# %% grade_id: signs
def signs(wrong, zero):
    count = {"one step": 0, "random": 0, "black box": 0, "unbounded": 0, "no gradient": 0}
    for i in range(len(zero)):
        if wrong["clean"][i]:
            continue
        for name in ("one step", "random", "black box"):
            count[name] += bool(wrong[name][i] and not wrong["iterated"][i])
        count["unbounded"] += not wrong["unbounded"][i]
        count["no gradient"] += bool(zero[i])
    return count
