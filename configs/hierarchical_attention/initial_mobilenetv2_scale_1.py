"""First stage at scale 1 with a MobileNetV2 trunk: DeepLabV3+ trained with region mutual information.

Source: hierarchical_attention, "Training the initial stages", model 2; layers from the report's program.
Readings: base size 512x1024 (not stated); RMI over sigmoid outputs pooled 3x3 (mean), radius 3, equal weights; images
scaled to 0 to 1 only, although the trunk's weights expect more; the scale 1 leaves the input as it is.
Departure: mIoU over the whole split, not a mean over batches of the classes present in each.
Claims: H01, H02, H04, H06, H10, H14.

Command: python bench/run_all.py --only hierarchical_attention/initial_mobilenetv2_scale_1
"""

_base_ = [
    '../_base_/models/deeplabv3plus_mobilenetv2.py',
    '../_base_/schedules/hierarchical_attention.py',
    '../_base_/protocols/hierarchical_attention.py',
]

model = dict(
    data_preprocessor=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0]),
    decode_head=dict(
        num_classes=20,
        loss_decode=dict(
            _delete_=True, type='RMILoss', radius=3, pool='avg', pool_size=3, pool_stride=3, rmi_weight=0.5)))
protocol = dict(
    epochs=7,
    batch_size=3,
    weights='mobilenetv2-imagenet')
