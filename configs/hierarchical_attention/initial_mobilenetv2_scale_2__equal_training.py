"""First stage at scale 2 with a MobileNetV2 trunk, trained as the ResNet-50 one is.

Source: hierarchical_attention, "Training the initial stages".
Reading: a control that the source lacks: its two trunks differ in batch and in epochs too. Batch 2 and 5 epochs here,
those of initial_resnet50_scale_2.
Claims: H01.

Command: python bench/run_all.py --only hierarchical_attention/initial_mobilenetv2_scale_2__equal_training
"""

_base_ = ['initial_mobilenetv2_scale_2.py']

protocol = dict(epochs=5, batch_size=2)
