from copy import deepcopy

import pytest
import torch
from torch import nn

from custom_ops.segmentors.freezing import blocks_of, freeze, hold_still, select_blocks

ATTRIBUTES = dict(trunk='backbone', segmentation='decode_head', attention='attention_head')


def train_one_step(model, tiny):
    images, _, samples = tiny.scene()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, weight_decay=0.1)
    loss, _ = model.parse_losses(model.loss(images, samples))
    loss.backward()
    optimizer.step()


def changed(before, module):
    return {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize('block', list(ATTRIBUTES))
@pytest.mark.parametrize('kind', ['HierarchicalSegmentor', 'ExplicitScaleSegmentor'])
def test_a_frozen_block_is_left_alone_by_training_and_the_others_are_not(tiny, kind, block):
    model = tiny.build(kind, frozen=[block])
    before = deepcopy(model.state_dict())
    train_one_step(model, tiny)
    hit = {name.split('.')[0] for name in changed(before, model)}
    assert hit == set(ATTRIBUTES.values()) - {ATTRIBUTES[block]}


def test_batch_norms_stay_in_evaluation_mode_after_train(tiny):
    model = tiny.build(frozen=['trunk', 'segmentation']).train()
    norms = [m for part in (model.backbone, model.decode_head) for m in part.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) > 20 and not any(m.training for m in norms)
    assert all(m.training for m in model.attention_head.modules())
    assert not any(m.training for m in model.eval().modules())


def test_a_frozen_trunk_is_run_without_a_graph(tiny):
    model = tiny.build(frozen=['trunk', 'segmentation']).train()
    features = model.decode(torch.randn(2, 3, 64, 64))
    assert not features.read.requires_grad and not features.logits.requires_grad


def test_blocks_of_single_scales_can_be_named(tiny):
    model = tiny.build(shared_trunk=False, frozen=['scale_0_5/*'])
    assert model.frozen_blocks == ('scale_0_5/trunk', 'scale_0_5/segmentation', 'scale_0_5/attention')
    before = deepcopy(model.state_dict())
    train_one_step(model, tiny)
    assert {name.split('.')[0] for name in changed(before, model)} == {'backbone', 'decode_head'}


def test_a_bare_name_means_all_scales(tiny):
    blocks = blocks_of(tiny.build(shared_trunk=False))
    assert list(blocks) == [
        'scale_1/trunk',
        'scale_1/segmentation',
        'scale_0_5/trunk',
        'scale_0_5/segmentation',
        'scale_0_5/attention',
    ]
    assert select_blocks(['trunk'], blocks) == ('scale_1/trunk', 'scale_0_5/trunk')
    assert select_blocks('scale_1/*', blocks) == ('scale_1/trunk', 'scale_1/segmentation')


def test_freezing_reports_what_it_froze_and_releases_what_it_froze_before(tiny):
    model = tiny.build().train()
    count = {name: sum(p.numel() for p in getattr(model, part).parameters()) for name, part in ATTRIBUTES.items()}
    assert freeze(model, ['trunk', 'attention']) == {name: count[name] for name in ('trunk', 'attention')}
    assert freeze(model, ['segmentation']) == {'segmentation': count['segmentation']}
    assert all(p.requires_grad for p in model.backbone.parameters())
    assert all(m.training for m in model.backbone.modules())
    assert freeze(model, []) == {}
    assert all(p.requires_grad for p in model.parameters()) and all(m.training for m in model.modules())


def test_release_leaves_alone_what_the_trunk_froze_itself(tiny):
    model = tiny.build(backbone=tiny.TRUNK | dict(frozen_stages=1)).train()
    before = [p.requires_grad for p in model.parameters()]
    assert not all(before)
    freeze(model, ['trunk'])
    freeze(model, [])
    assert [p.requires_grad for p in model.parameters()] == before


def test_a_name_that_matches_nothing_is_refused_and_changes_nothing(tiny):
    model = tiny.build(frozen=['trunk'])
    with pytest.raises(ValueError, match=r"is called 'head'; choose from trunk, segmentation, attention; \* matches"):
        freeze(model, ['segmentation', 'head'])
    assert model.frozen_blocks == ('trunk',) and not any(p.requires_grad for p in model.backbone.parameters())


def test_any_toolbox_segmentor_has_blocks(tiny):
    model = tiny.build('EncoderDecoder', auxiliary_head=tiny.AUXILIARY)
    assert list(blocks_of(model)) == ['trunk', 'segmentation']
    freeze(model, ['segmentation'])
    model.train()
    hold_still(model)
    assert not model.decode_head.training and not model.auxiliary_head.training and model.backbone.training


def test_a_copy_keeps_its_frozen_blocks(tiny):
    model = deepcopy(tiny.build(frozen=['trunk'])).train()
    assert not model.backbone.training and not any(p.requires_grad for p in model.backbone.parameters())
