from bench.own import heads


def test_the_main_head_is_the_last_of_a_cascade():
    model = {'backbone': {'num_classes': 1000}, 'decode_head': [{'num_classes': 19}, {'num_classes': 7}]}
    assert heads.main_classes(model) == 7
    assert heads.main_classes({'decode_head': {'num_classes': 3}, 'auxiliary_head': {'num_classes': 2}}) == 3


def test_a_model_need_not_state_its_classes():
    for model in ({}, {'decode_head': None}, {'decode_head': {'type': 'MyHead'}}):
        assert heads.main_classes(model) is None
