"""Five convolutions at full size, without pooling: the report's starting point.

Source: unet_phases, section II.1.
Reading: no ReLU on the logits, although the formula, taken literally, ends in one; no normalisation beyond 0 to 1;
centre crops of 128.
Claims: V01, V02.

Command: python bench/run_all.py --only unet_phases/phase_1
"""

_base_ = [
    '../_base_/models/phase_unet.py',
    '../_base_/schedules/unet_phases.py',
    '../_base_/protocols/unet_phases.py',
]

model = dict(
    backbone=dict(
        # Four blocks and, as the only decoder stage, the convolution to the ten outputs.
        encoder=(30, 90, 270, 810), pooling=False, upsampling='none'))
protocol = dict(
    batch_size=10,
    train_view=dict(size=(128, 128)),
    stride=1,
    cost=dict(input_shape=(3, 128, 128)))
