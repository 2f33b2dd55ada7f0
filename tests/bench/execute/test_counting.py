import pytest

from bench import budgets, compose, paths
from bench.errors import BenchError
from bench.execute import counting
from bench.measure import cost, footprint
from bench.pipelines import train_size
from bench.records import Run

SIZE, CLASSES, IMAGES = (96, 192), 12, 40


def request(name='kitti_ablation/enet', seed=0, config=None, size=SIZE):
    run = Run(name, 'scenes', size, 'smoke', 0.0, seed)
    return counting.CountRequest(
        run, config or paths.configs_dir() / f'{name}.py', budgets.rule('smoke'), CLASSES, IMAGES, (360, 480)
    )


@pytest.fixture
def builds(monkeypatch):
    """The networks that were built."""
    built, build = [], cost.build_on_meta

    def noted(model):
        built.append(model)
        return build(model)

    monkeypatch.setattr(cost, 'build_on_meta', noted)
    return built


@pytest.mark.parametrize('name', ['kitti_ablation/enet', 'deeplab_depth/resnet50', 'hierarchical_attention/two_stage'])
def test_what_is_counted_at_once_is_what_separate_counts_find(name):
    counted = counting._count_one(request(name), counting._Networks())
    found = counted.footprint
    experiment = compose.read_experiment(request(name).config)
    model = compose.model_for(experiment.model, CLASSES)
    crop = train_size(experiment.protocol, SIZE)
    protocol = experiment.protocol
    image = cost.count_config(model, (3, *SIZE), protocol.cost.count_auxiliary)
    documented = compose.model_for(experiment.model, protocol.num_classes)
    saved = footprint.training_footprint(model, (3, *crop), found.batch_size)
    assert counted.weights == protocol.weights
    assert counted.run_cost == image
    assert counted.cost == cost.count_config(
        documented, tuple(protocol.cost.input_shape), protocol.cost.count_auxiliary
    )
    assert (found.params, found.macs_image) == (image['params'], image['macs'])
    assert found.macs_crop == cost.count_config(model, (3, *crop), count_auxiliary=True)['macs']
    assert found.batch_bytes == saved['activation_bytes'] + saved['transient_bytes']
    assert found.crop_pixels == crop[0] * crop[1]


def test_experiments_that_share_a_network_have_it_built_once(builds):
    networks = counting._Networks()
    names = ('kitti_ablation/baseline', 'kitti_ablation/lr_1e_4', 'kitti_ablation/optimizer_sgd')
    found = [counting._count_one(request(name), networks) for name in names]
    assert len(builds) == 2, 'with its own classes, and with the documented ones'
    assert found[0] == found[1]
    assert (found[0].footprint.optimizer_states, found[2].footprint.optimizer_states) == (2, 1)
    other = counting._count_one(request(names[0], size=(64, 64)), networks)
    assert len(builds) == 2, 'neither is built again for another size'
    assert other.run_cost['macs'] < found[0].run_cost['macs']
    assert other.cost == found[0].cost


@pytest.mark.slow
def test_a_counted_network_is_not_counted_again(tmp_path, monkeypatch):
    first = counting.count([request(), request(seed=1)], tmp_path)
    assert first[0] == first[1] == counting._count_one(request(), counting._Networks())
    assert len(list((tmp_path / 'counts').iterdir())) == 1
    monkeypatch.setattr(counting, '_count_in_children', lambda _: pytest.fail('counted again'))
    assert counting.count([request(seed=2)], tmp_path) == first[:1]


def test_pieces_counted_side_by_side_come_back_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(counting, 'LEAST_PIECE', 1)
    monkeypatch.setattr(counting.environment, 'usable_cpus', lambda: 2)
    requests = [request(name) for name in ('kitti_ablation/enet', 'squeeze_edge/vanilla', 'deeplab_depth/resnet50')]
    networks = counting._Networks()
    assert counting.count(requests, tmp_path) == [counting._count_one(one, networks) for one in requests]


def test_a_network_that_cannot_be_built_is_named_with_the_reason(tmp_path):
    config = tmp_path / 'broken.py'
    whole = (paths.configs_dir() / 'kitti_ablation' / 'enet.py').resolve()
    config.write_text(f"_base_ = ['{whole}']\nmodel = dict(decode_head=dict(type='NoSuchHead'))\n")
    with pytest.raises(BenchError, match=r'own/broken: the network cannot be counted: .*NoSuchHead'):
        counting.count([request('own/broken', config=config)], tmp_path)
