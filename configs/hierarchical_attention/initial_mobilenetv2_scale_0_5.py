"""First stage at scale 0.5 with a MobileNetV2 trunk: the best single model of the report, and its labeller.

Source: hierarchical_attention, "Training the initial stages", model 1; layers from the report's program.
Readings: those of scale 1. The image is halved before the trunk and the logits are resized to the image.
Claims: H01, H02, H04, H05, H06, H07, H14.

Command: python bench/run_all.py --only hierarchical_attention/initial_mobilenetv2_scale_0_5
"""

_base_ = ['initial_mobilenetv2_scale_1.py']

model = dict(type='ScaledSegmentor', scale=0.5)
protocol = dict(batch_size=4)
