"""Protocol shared by deeplab_depth: random crops of 513 from rescaled street scenes, 40 epochs."""

protocol = dict(
    dataset='cityscapes19',
    documented_images=2975,
    samples_per_image=1,
    num_classes=19,
    epochs=40,
    batch_size=8,
    # "Reshaped to 513x513" in the text; the program scales the short side by .5 to 2 and crops.
    train_view=dict(kind='crop', size=(513, 513), short_side=513, how='random', scale=(0.5, 2.0)),
    # The source scores the centre crop of this view only, so that half of each image is never looked at.
    test_view=dict(kind='whole', size=(513, 1026)),
    stride=16,
    augment=[
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
        dict(type='RandomGaussianBlur', prob=0.5, sigmas=(0.0, 1.0)),
    ],
    schedule=[dict(kind='poly', power=0.9)],
    weights=None,
    cost=dict(input_shape=(3, 513, 513), count_auxiliary=False))
