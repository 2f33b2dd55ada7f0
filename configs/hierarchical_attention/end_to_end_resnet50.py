"""Attention between scales 0.5 and 1 over two ResNet-50 trunks, nothing frozen: what did not fit the GPU.

Source: hierarchical_attention, "Computational limitation" and "Trained Models".
Readings: never trained there; its memory is the claim. It starts from the initial stages on ResNet-50 and takes the
rate, epochs and loss of the main models; batch 2 as for every ResNet. No automatic labels.
Claims: H19.

Command: python bench/run_all.py --only hierarchical_attention/end_to_end_resnet50
"""

_base_ = [
    '../_base_/models/deeplabv3plus_resnet.py',
    '../_base_/schedules/hierarchical_attention.py',
    '../_base_/protocols/hierarchical_attention.py',
]

model = dict(
    type='HierarchicalSegmentor',
    data_preprocessor=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0]),
    decode_head=dict(num_classes=20),
    attention_head=dict(type='DeconvAttentionHead', in_channels=2048),
    scales=(0.5, 1.0),
    shared_trunk=False)
optimizer = dict(lr=1e-4)
protocol = dict(
    epochs=10,
    schedule=[dict(kind='constant')],
    start=[
        dict(parent='hierarchical_attention/initial_resnet50_scale_1'),
        dict(parent='hierarchical_attention/initial_resnet50_scale_0_5', into='lower_stages.scale_0_5.'),
    ])
