"""Protocol shared by squeeze_edge: whole images at three growing sizes, each from the best weights of the one before.

The source's sizes are 128x224, 256x448 and 512x912; here they are a quarter, a half and the whole of the last.
"""

protocol = dict(
    dataset='cityscapes29',
    documented_images=2975,
    samples_per_image=1,
    # 28 labels and "neutral", which is trained and scored.
    num_classes=29,
    epochs=30,
    batch_size=4,
    train_view=dict(kind='whole', size=(512, 912)),
    test_view=dict(kind='whole', size=(512, 912)),
    stride=16,
    augment=[],
    schedule=[dict(kind='constant')],
    # Read by layer name into another kind of ResNet: most 1x1 and 3x3 fit, stem and shortcuts do not.
    weights='resnet50-imagenet',
    cost=dict(input_shape=(3, 512, 912), count_auxiliary=False),
    # Epochs are not stated: the program's best checkpoints at the first two sizes are of epochs 10 and 11.
    stages=[
        dict(name='size_1', epochs=10, batch_size=16, scale=0.25),
        dict(name='size_2', epochs=10, batch_size=8, scale=0.5, start='best'),
        dict(name='size_3', epochs=10, start='best'),
    ])
