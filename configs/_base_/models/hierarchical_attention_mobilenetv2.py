"""Two scales, a MobileNetV2 with DeepLabV3+ for each, and attention on the lower one: hierarchical_attention's own."""

_base_ = ['deeplabv3plus_mobilenetv2.py']

model = dict(
    type='HierarchicalSegmentor',
    # As in the initial stages: scaled to 0 to 1 and nothing else.
    data_preprocessor=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0]),
    decode_head=dict(num_classes=20),
    attention_head=dict(type='DeconvAttentionHead', in_channels=320),
    scales=(0.5, 1.0),
    shared_trunk=False)
