"""DeepLabV3+ on ResNet-101: the better of the two networks the report trained.

Source: deeplab_depth, sections 3 to 5; layers and training from the report's public program.
Readings: stride 16, last stage dilated 2, 4, 8, ASPP 6/12/18, two 3x3 in the decoder, corners aligned; the loss is the
mean cross entropy divided by the batch size, as the program has it.
Departure: the whole image at short side 513 is scored, not its centre crop alone.
Claims: D01, D02, D03, D04, D05, D06, D07, D08, D09, D10, D11.

Command: python bench/run_all.py --only deeplab_depth/resnet101
"""

_base_ = [
    '../_base_/models/deeplabv3plus_resnet.py',
    '../_base_/schedules/deeplab_depth.py',
    '../_base_/protocols/deeplab_depth.py',
]

model = dict(
    backbone=dict(
        depth=101, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), contract_dilation=False, multi_grid=(2, 4, 8)),
    decode_head=dict(
        dilations=(1, 6, 12, 18), aspp_dropout=0.5, decoder_dropouts=(0.5, 0.1), align_corners=True,
        loss_decode=dict(loss_weight=1 / 8)))
protocol = dict(weights='resnet101-imagenet')
