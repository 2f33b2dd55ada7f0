"""Protocol shared by unet_phases: centre crops of 256, 100 epochs, batch 50, Adam without a schedule."""

protocol = dict(
    # Not named in the source: nine classes that fit the vehicles and persons of VOC 2012.
    dataset='voc9',
    # 1000 pairs; 4500 crops at five an image leave 900 to train on.
    documented_images=900,
    samples_per_image=1,
    # Nine classes; the tenth output is the ignored boundary. The cost is that of ten outputs.
    num_classes=10,
    epochs=100,
    batch_size=50,
    # The source crops photographs as they are, about 375 pixels on the short side.
    train_view=dict(kind='crop', size=(256, 256), short_side=375, how='centre', scale=None),
    # The source scores centre crops; the whole photograph is scored here, as for every other model.
    test_view=dict(kind='native'),
    # That of the deepest network for all: one change between two phases is then the only one.
    stride=64,
    augment=[],
    schedule=[dict(kind='constant')],
    weights=None,
    cost=dict(input_shape=(3, 256, 256), count_auxiliary=False))
