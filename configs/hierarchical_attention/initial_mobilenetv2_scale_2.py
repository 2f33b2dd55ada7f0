"""First stage at scale 2 with a MobileNetV2 trunk: the image enlarged before the trunk.

Source: hierarchical_attention, "Training the initial stages", model 3; layers from the report's program.
Readings: those of scale 1. Of a base size of 512x1024, scale 2 is 1024x2048.
Claims: H01, H02, H04, H06, H07, H14.

Command: python bench/run_all.py --only hierarchical_attention/initial_mobilenetv2_scale_2
"""

_base_ = ['initial_mobilenetv2_scale_1.py']

model = dict(type='ScaledSegmentor', scale=2.0)
protocol = dict(epochs=5)
