"""A compiled network whose attention reads a layer of its decode head, again and again."""

from copy import deepcopy

import pytest
import torch

from bench.running import compiling


@pytest.mark.parametrize('kind', ['HierarchicalSegmentor', 'ExplicitScaleSegmentor'])
def test_every_call_reads_its_own_layer(tiny, eager, kind):
    model = tiny.build(kind).eval()
    compiled = deepcopy(model)
    parts = compiling.compile_parts(compiled, 'cpu')['parts']
    assert any(part.startswith('decode_head.') for part in parts) and 'decode_head' not in parts
    for seed in range(3):
        image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            torch.testing.assert_close(compiled.encode_decode(image, [{}]), model.encode_decode(image, [{}]))
