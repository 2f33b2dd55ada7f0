"""First stage at scale 1 with a MobileNetV2 trunk, on the photographs' own size.

Source: hierarchical_attention, "Training the initial stages"; the report's program.
Reading: the program does not resize, hence 1024x2048; the text speaks of smaller images. On other
data than Cityscapes a run has one size for all: there this is scale 1 again.
Claims: H06, H14.

Command: python bench/run_all.py --only hierarchical_attention/initial_mobilenetv2_scale_1__base_1024x2048
"""

_base_ = ['initial_mobilenetv2_scale_1.py']

protocol = dict(
    train_view=dict(kind='whole', size=(1024, 2048)),
    test_view=dict(kind='whole', size=(1024, 2048)),
    cost=dict(input_shape=(3, 1024, 2048)))
