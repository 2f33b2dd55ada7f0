import mmseg.models.decode_heads.decode_head as decode_head
import pytest
import torch
from mmseg.models.losses import accuracy

from custom_ops.hooks import QuickAccuracyHook
from custom_ops.hooks.quick_accuracy import quick_accuracy

B, K, H, W = 2, 5, 7, 9


@pytest.fixture
def maps():
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(0, K, (B, H, W), generator=generator)
    label[torch.rand(B, H, W, generator=generator) < 0.2] = 255
    return torch.randn(B, K, H, W, generator=generator), label


@pytest.mark.parametrize('channels', [1, K])
@pytest.mark.parametrize('ignored', [255, None])
def test_the_toolboxs_number(maps, ignored, channels):
    logits, label = maps[0][:, :channels], maps[1]
    expected = accuracy(logits, label, ignore_index=ignored)
    torch.testing.assert_close(quick_accuracy(logits, label, ignored), expected.reshape(1))


def test_all_right_all_wrong_and_nothing_to_be_right_about(maps):
    _, label = maps
    right = torch.nn.functional.one_hot(label.clamp(max=K - 1), K).permute(0, 3, 1, 2).float()
    assert quick_accuracy(right, label, 255).item() == pytest.approx(100)
    assert quick_accuracy(right.roll(1, dims=1), label, 255).item() == pytest.approx(0, abs=1e-4)
    nothing = torch.full_like(label, 255)
    assert quick_accuracy(right, nothing, 255).tolist() == accuracy(right, nothing, ignore_index=255).tolist()


def test_the_heads_use_it_while_training_and_not_after(maps):
    hook = QuickAccuracyHook()
    theirs = decode_head.accuracy
    assert theirs is accuracy
    hook.before_train(None)
    try:
        assert decode_head.accuracy is not theirs
        torch.testing.assert_close(decode_head.accuracy(*maps, ignore_index=255), theirs(*maps, ignore_index=255))
        assert torch.equal(decode_head.accuracy(*maps, topk=2), theirs(*maps, topk=2)), 'what we have not is theirs'
    finally:
        hook.after_train(None)
    assert decode_head.accuracy is theirs
