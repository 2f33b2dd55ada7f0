"""Protocol shared by the initial stages of hierarchical_attention.

2975 images and 1000 augmented ones, written once, drawn with replacement; the share of augmented samples is kept
here by augmenting each sample with probability 1000/3975. Strengths are those of the report's program.
"""

protocol = dict(
    # 19 chosen labels and "unknown", which is trained and scored.
    dataset='cityscapes20',
    documented_images=2975,
    samples_per_image=3975 / 2975,
    num_classes=20,
    epochs=6,
    batch_size=2,
    # Base size not stated: half of the photographs' own.
    train_view=dict(kind='whole', size=(512, 1024)),
    test_view=dict(kind='whole', size=(512, 1024)),
    stride=8,
    augment=[
        dict(
            type='RandomApply', prob=1000 / 3975,
            transforms=[
                dict(
                    type='RandomOrder',
                    transforms=[
                        dict(type='RandomSideCrop', max_share=0.4),
                        dict(type='RandomContrast', factors=(0.75, 1.25)),
                        dict(type='RandomMultiply', factors=(0.8, 1.2), per_channel=0.2),
                        # The text says Gaussian, the program draws from a Poisson law: its numbers exist.
                        dict(type='AdditivePoissonNoise', rates=(10.0, 20.0)),
                        # Described in the text, missing from the program.
                        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
                    ]),
            ]),
    ],
    schedule=[dict(kind='step', every_epochs=1, gamma=0.8)],
    weights=None,
    cost=dict(input_shape=(3, 512, 1024), count_auxiliary=False))
