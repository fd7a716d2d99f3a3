import matplotlib
import pytest

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _figures_closed():
    yield
    matplotlib.pyplot.close("all")
