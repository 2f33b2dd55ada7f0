"""Explicit attention to scales 0.5, 1 and 2: what the hierarchical method is set against.

Source: hierarchical_attention, "Our Hierarchical Method" and figure 4.
Readings: never trained there; its costs are the claim. One MobileNetV2 trunk and the report's decoder; one softmax over
scales, each scale supervised alike, as in the source of that method. Trained end to end on cross entropy with the
optimiser of the initial stages; batch and epochs of initial_mobilenetv2_scale_1.
Claims: H10, H11.

Command: python bench/run_all.py --only hierarchical_attention/explicit_attention
"""

_base_ = [
    '../_base_/models/deeplabv3plus_mobilenetv2.py',
    '../_base_/schedules/hierarchical_attention.py',
    '../_base_/protocols/hierarchical_attention.py',
]

model = dict(
    type='ExplicitScaleSegmentor',
    data_preprocessor=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0]),
    decode_head=dict(num_classes=20),
    attention_head=dict(type='ExplicitAttentionHead', in_channels=304, reads='decoder'),
    scales=(0.5, 1.0, 2.0),
    scale_weight=1.0)
protocol = dict(
    epochs=7,
    batch_size=3,
    weights='mobilenetv2-imagenet')
