"""What a metric of this process has come to."""

from services.kernel.metrics import REGISTRY


def sample(name: str, **labels: str) -> float:
    """The series' value; 0 when it is not there yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
