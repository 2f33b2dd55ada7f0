"""Protocol shared by kitti_ablation: 150 images squeezed to 256x864, no augmentation, scored at native size.

On other data, and with another ``--size`` than KITTI's own, whole images are trained and scored at one size.

The source keeps the best epoch after the hundredth, chosen on the images it scores; which score is kept is the
harness's rule and not this protocol's.
"""

protocol = dict(
    dataset='kitti',
    documented_images=150,
    samples_per_image=1,
    num_classes=19,
    epochs=180,
    batch_size=4,
    train_view=dict(kind='whole', size=(256, 864)),
    test_view=dict(kind='native'),
    stride=16,
    augment=[],
    schedule=[dict(kind='constant')],
    weights=None,
    cost=dict(input_shape=(3, 375, 1242), count_auxiliary=False))
