import pytest
import torch
from decoder import BLOCK, cross_entropy, later
from torch.nn import functional


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("targets", [1, BLOCK, BLOCK + 7])
def test_loss_and_gradients_are_those_of_torch(targets: int, smoothing: float) -> None:
    torch.manual_seed(1)
    hidden = torch.randn(targets, 8, requires_grad=True)
    table = torch.randn(30, 8, requires_grad=True)
    wanted = torch.randint(0, 30, (targets,))
    losses = (
        cross_entropy(hidden, table, wanted, smoothing),
        functional.cross_entropy(
            hidden @ table.T, wanted, label_smoothing=smoothing, reduction="sum"
        ),
    )
    found = [(loss, *torch.autograd.grad(2 * loss, (hidden, table))) for loss in losses]
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_keys_that_come_later_are_not_read() -> None:
    shares = torch.softmax(later(4, torch.float32), dim=-1)
    assert torch.equal(shares > 0, torch.ones(4, 4, dtype=torch.bool).tril())
