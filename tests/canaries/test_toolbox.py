"""Known answers of the toolbox, right and wrong ones, that the meaning of our numbers leans on.

A failure here after an upgrade is no bug of ours: the toolbox has changed, and what is said about it must follow.
"""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import mmseg
import numpy as np
import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from mmengine.runner import set_random_seed
from mmseg.evaluation.metrics import IoUMetric
from mmseg.models.losses import CrossEntropyLoss, DiceLoss
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from custom_ops.metrics.confusion import confusion_matrix

pytestmark = pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore`` is False')


class OneImage(list):
    """What the script below asks of a data set."""

    ignore_index, reduce_zero_label = 255, False


def mmsegs_script(name):
    """Import one of mmseg's own analysis scripts."""
    path = Path(mmseg.__file__).parent / '.mim/tools/analysis_tools' / f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'mmseg_{name}_script', path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def mmsegs_confusion(label, prediction, num_classes):
    """Run the function of mmseg's own analysis script on one image."""
    script = mmsegs_script('confusion_matrix')
    truth = SimpleNamespace(gt_sem_seg=SimpleNamespace(data=torch.from_numpy(label)))
    data_set = OneImage([{'data_samples': truth}])
    data_set.METAINFO = {'classes': range(num_classes)}
    return script.calculate_confusion_matrix(data_set, [prediction])


@pytest.mark.parametrize(('num_classes', 'right'), [(16, True), (17, False), (19, False)])
def test_mmsegs_confusion_script_is_wrong_from_17_classes_up(num_classes, right):
    """It computes K * truth + prediction in 8 bits: at 16 classes that just fits, at 17 rows are mixed up."""
    label = np.full((4, 4), num_classes - 1, np.uint8)
    prediction = label.astype(np.int64)
    ours = confusion_matrix(torch.from_numpy(prediction), torch.from_numpy(label), num_classes)
    assert ours[-1, -1] == 16
    assert bool(mmsegs_confusion(label, prediction, num_classes)[-1, -1] == 16) == right


def test_mmsegs_iou_metric_rounds_its_means_and_keeps_its_classes_to_itself():
    """One of three pixels right: IoU 1/3 and 0; class 2 is in neither map and left out."""
    metric = IoUMetric()
    metric.dataset_meta = {'classes': ('a', 'b', 'c')}
    label, prediction = torch.tensor([[0, 0, 0, 255]]), torch.tensor([[0, 1, 1, 1]])
    metric.process({}, [{'pred_sem_seg': {'data': prediction[None]}, 'gt_sem_seg': {'data': label[None]}}])
    found = metric.evaluate(1)
    assert found == {'aAcc': pytest.approx(33.33), 'mIoU': pytest.approx(16.67), 'mAcc': pytest.approx(33.33)}
    assert float(found['mIoU']) != pytest.approx(100 / 6, abs=1e-3)


def test_one_flop_is_a_multiply_add_to_mmengine_and_half_of_one_to_pytorch():
    layer, macs = nn.Conv2d(3, 8, 3, padding=1, bias=False), 3 * 8 * 9 * 10 * 12
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, 3, 10, 12))
    assert counter.get_total_flops() == 2 * macs
    assert get_model_complexity_info(layer, (3, 10, 12), show_table=False, show_arch=False)['flops'] == macs


def test_mmsegs_script_counts_at_1024_rows_of_2048_pixels_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr('sys.argv', ['get_flops.py', 'config.py'])
    assert mmsegs_script('get_flops').parse_args().shape == [2048, 1024]


@pytest.fixture
def few_pixels():
    """Logits [1, 3, 2, 3] and labels [1, 2, 3], two of its six pixels ignored."""
    logits = torch.randn(1, 3, 2, 3, generator=torch.Generator().manual_seed(0))
    return logits, torch.tensor([[[0, 1, 2], [2, 255, 255]]])


def test_cross_entropy_divides_by_ignored_pixels_too_unless_told_otherwise(few_pixels):
    logits, label = few_pixels
    total = F.cross_entropy(logits, label, ignore_index=255, reduction='sum')
    torch.testing.assert_close(CrossEntropyLoss()(logits, label, ignore_index=255), total / 6)
    torch.testing.assert_close(CrossEntropyLoss(avg_non_ignore=True)(logits, label, ignore_index=255), total / 4)


def test_cross_entropy_with_class_weights_divides_by_those_of_valid_pixels(few_pixels):
    """So that switching class weights on changes the scale of the loss as well, even if all of them are equal."""
    logits, label = few_pixels
    weight = torch.tensor([1.0, 2.0, 4.0])
    total = F.cross_entropy(logits, label, weight, ignore_index=255, reduction='sum')
    weighted = CrossEntropyLoss(class_weight=weight.tolist())(logits, label, ignore_index=255)
    torch.testing.assert_close(weighted, total / (1 + 2 + 4 + 4))
    even = CrossEntropyLoss(class_weight=[5.0, 5.0, 5.0])(logits, label, ignore_index=255)
    torch.testing.assert_close(even, CrossEntropyLoss()(logits, label, ignore_index=255) * 6 / 4)


def test_cross_entropy_cannot_do_class_weights_and_valid_pixels_at_once(few_pixels):
    both = CrossEntropyLoss(class_weight=[1.0, 2.0, 4.0], avg_non_ignore=True)
    with pytest.raises(IndexError, match='too many indices'):
        both(*few_pixels, ignore_index=255)


def test_dice_counts_ignored_pixels(few_pixels):
    """Other logits on an ignored pixel change the loss; cross entropy does not see them."""
    logits, label = few_pixels
    other = logits.clone()
    other[0, 0, 1, 2] += 3.0
    ignoring = DiceLoss(ignore_index=255)
    assert abs(ignoring(logits, label) - ignoring(other, label)) > 0.01
    cross_entropy = CrossEntropyLoss()
    assert cross_entropy(logits, label, ignore_index=255) == cross_entropy(other, label, ignore_index=255)


def test_a_base_config_of_mmseg_is_looked_for_under_the_name_of_another_package(tmp_path):
    config = tmp_path / 'config.py'
    config.write_text("_base_ = ['mmseg::_base_/default_runtime.py']\n")
    with pytest.raises(ModuleNotFoundError, match='mmsegmentation is not installed'):
        Config.fromfile(config)


@pytest.fixture
def deterministic():
    """The toolbox's deterministic mode, undone afterwards."""
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    set_random_seed(0, deterministic=True)
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


@pytest.mark.usefixtures('deterministic')
def test_deterministic_runs_raise_where_they_could_only_warn():
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()


@pytest.mark.skipif(not torch.cuda.is_available(), reason='the CPU has a deterministic backward of this pooling')
@pytest.mark.usefixtures('deterministic')
def test_pyramid_pooling_cannot_be_trained_deterministically_on_cuda():
    features = torch.zeros(1, 4, 7, 9, device='cuda', requires_grad=True)
    with pytest.raises(RuntimeError, match='adaptive_avg_pool2d_backward_cuda does not have a deterministic'):
        F.adaptive_avg_pool2d(features, 3).sum().backward()
