from bench.data_sets import cityscapes29
from bench.data_sets.cityscapes_labels import LABELS

# The colours in the order of squeeze_edge's program, from the record of it; neutral is black.
PROGRAM = (
    (128, 64, 128), (107, 142, 35), (70, 70, 70), (0, 0, 0), (0, 0, 142), (244, 35, 232), (250, 170, 160),
    (220, 220, 0), (220, 20, 60), (255, 0, 0), (70, 130, 180), (111, 74, 0), (119, 11, 32), (230, 150, 140),
    (81, 0, 81), (190, 153, 153), (250, 170, 30), (0, 0, 70), (0, 0, 230), (0, 60, 100), (0, 80, 100),
    (152, 251, 152), (0, 0, 110), (153, 153, 153), (150, 120, 90), (0, 0, 90), (180, 165, 180), (102, 102, 156),
    (150, 100, 100),
)  # fmt: skip


def test_the_colours_are_in_the_programs_order():
    assert len(cityscapes29.CLASSES) == 29
    assert cityscapes29.PALETTE == PROGRAM


def test_mapping_ids_equals_matching_colours():
    """What the program does to a colour label, done to the colour of each id."""
    assert {stored: PROGRAM.index(label.colour) for stored, label in enumerate(LABELS)} == cityscapes29.LABEL_MAP


def test_pole_groups_are_poles_and_static_is_neutral():
    of_id = {stored: cityscapes29.CLASSES[value] for stored, value in cityscapes29.LABEL_MAP.items()}
    assert (of_id[17], of_id[18], of_id[4], of_id[0], of_id[29]) == ('pole', 'pole', 'neutral', 'neutral', 'caravan')


def test_the_three_sizes_of_the_report_follow_from_the_base():
    """Quarter and half of the base, rounded to the stride of 16, are the first two sizes of the report."""
    height, width = cityscapes29.BASE_SIZE
    sizes = [(height // part, round(width / part / 16) * 16) for part in (4, 2, 1)]
    assert sizes == [(128, 224), (256, 448), (512, 912)]
