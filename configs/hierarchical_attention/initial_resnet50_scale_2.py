"""First stage at scale 2 with a ResNet-50 trunk.

Source: hierarchical_attention, "Training the initial stages", model 6; layers from the report's program.
Readings: those of scale 1; the table says "ResNet" only, and 50 is the depth of the program.
Claims: H01, H14.

Command: python bench/run_all.py --only hierarchical_attention/initial_resnet50_scale_2
"""

_base_ = ['initial_resnet50_scale_1.py']

model = dict(type='ScaledSegmentor', scale=2.0)
protocol = dict(epochs=5)
