"""First stage at scale 0.5 with a ResNet-50 trunk.

Source: hierarchical_attention, "Training the initial stages", model 4; layers from the report's program.
Readings: those of scale 1; the table says "ResNet" only, and 50 is the depth of the program.
Claims: H01, H14.

Command: python bench/run_all.py --only hierarchical_attention/initial_resnet50_scale_0_5
"""

_base_ = ['initial_resnet50_scale_1.py']

model = dict(type='ScaledSegmentor', scale=0.5)
