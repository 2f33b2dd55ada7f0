"""Which experiments have one network."""

import json

from bench import catalogue, networks, paths

REPORTS = paths.documented_dir()


def config(name):
    return paths.configs_dir() / f'{name}.py'


def test_who_shares_a_network_costs_the_same_and_no_documented_network_is_lost():
    known = catalogue.load(REPORTS)
    configs = {name: path for name in known.experiments if (path := config(name)).exists()}
    shared = networks.sharing(configs)
    assert shared.keys() == configs.keys()
    counts = json.loads((REPORTS / 'counts.json').read_text())
    for name, same in shared.items():
        assert name in same and all(shared[other] == same for other in same)
        assert {json.dumps(counts[other]['cost'], sort_keys=True) for other in same} == {
            json.dumps(counts[name]['cost'], sort_keys=True)
        }
    assert {'kitti_ablation/lr_3e_3', 'kitti_ablation/optimizer_sgd'} <= {*shared['kitti_ablation/baseline']}
    assert 'hierarchical_attention/rmi_or_cross_entropy__ce' in shared['hierarchical_attention/rmi_or_cross_entropy']


def test_what_a_forward_or_its_size_depends_on_tells_networks_apart():
    names = (
        'kitti_ablation/baseline',
        'kitti_ablation/batch_norm',
        'hierarchical_attention/initial_mobilenetv2_scale_1',
        'hierarchical_attention/initial_mobilenetv2_scale_1__base_1024x2048',
        'hierarchical_attention/initial_mobilenetv2_scale_2',
        'squeeze_edge/dlse',
        'squeeze_edge/dlse_sf',
        'squeeze_edge/dlse__classes_19',
    )
    assert len({networks.identity(config(name)) for name in names}) == len(names)


def test_two_modules_may_call_different_classes_by_one_name(tmp_path):
    text = config('kitti_ablation/enet').read_text().replace("'../", f"'{config('kitti_ablation/enet').parent}/../")
    paths_of = {}
    for module in ('mine', 'yours'):
        paths_of[module] = tmp_path / f'{module}.py'
        paths_of[module].write_text(f"{text}\ncustom_imports = dict(imports=['{module}'])\n")
    assert len({networks.identity(path) for path in paths_of.values()}) == 2
