"""Predictions for a folder of images are those that a run was scored on, at each image's own size and name."""

import re
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from bench import data_sets, predict, store
from bench.measure import cost
from bench.own.translate import for_one_device
from bench.records import Run

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / 'fake_benchmark'))

import build
import jobs
import zoo

NAMES = ('straße/0.jpg', 'straße/夜/1.png', '2.png')


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """A run folder with kept weights, and the folder of its images."""
    folder = tmp_path_factory.mktemp('predict')
    build.write_images(folder / 'images', size=(72, 80))
    benchmark = build.write_benchmark(folder / 'benchmark', {'good': None}, epochs=5.0)
    config = benchmark / 'configs' / 'fake' / 'good.py'
    job = jobs.make_job(folder, config, Run('fake/good', 'folder', (64, 96), 'full', 1.0, 0))
    run, receipt = jobs.execute(job)
    assert receipt.status == 'ok', receipt.reason
    store.write(job.results, job.run, receipt)
    return run, folder / 'images'


@pytest.fixture
def pictures(tmp_path):
    """Images of three sizes in nested folders, names beyond ASCII, and a file that is none."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(NAMES):
        path = tmp_path / 'photographs' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (70 + 9 * index, 90, 3), dtype=np.uint8)).save(path)
    (tmp_path / 'photographs' / 'notes.txt').write_text('no image')
    return tmp_path / 'photographs'


def command(capsys, *arguments):
    code = predict.main([*map(str, arguments), '--device', 'cpu'])
    said = capsys.readouterr()
    return code, said.out, said.err


def labels(path):
    with Image.open(path) as picture:
        assert picture.mode == 'P'
        return np.asarray(picture), picture.getpalette()


def test_the_predictions_are_those_that_were_scored(finished, tmp_path, capsys):
    run, images = finished
    code, out, _ = command(capsys, '--run', run, '--images', images / 'images' / 'test', '--out', tmp_path / 'out')
    assert code == 0
    assert out == f'4 of 4 images labelled: {tmp_path / "out"}\n'
    with np.load(run / 'confusion.npz') as stored:
        scored = dict(zip(stored['test_names'], stored['test'], strict=True))
    assert len(scored) == 4
    for name, matrix in scored.items():
        predicted, _ = labels(tmp_path / 'out' / 'labels' / f'{name}.png')
        truth = cv2.imread(str(images / 'labels' / 'test' / f'{name}.png'), cv2.IMREAD_GRAYSCALE)
        assert predicted.shape == truth.shape
        counted = np.zeros((3, 3), np.int64)
        np.add.at(counted, (truth[truth != 255], predicted[truth != 255]), 1)
        assert np.array_equal(counted, matrix)


def test_an_output_that_cannot_be_is_refused_before_a_network_is_built(finished, pictures, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    for out in (tmp_path / 'file', tmp_path / 'file' / 'below'):
        code, _, said = command(capsys, '--run', finished[0], '--images', pictures, '--out', out)
        assert (code, said) == (2, f'error: --out {out}: {tmp_path / "file"} is no folder\n')


def test_names_folders_and_sizes_are_the_images_own(finished, pictures, tmp_path, capsys):
    out = tmp_path / 'out'
    assert command(capsys, '--run', finished[0], '--images', pictures, '--out', out)[0] == 0
    found = {str(path.relative_to(out)) for path in out.rglob('*') if path.is_file()}
    stems = [name.rpartition('.')[0] for name in NAMES]
    assert found == {'classes.txt', *(f'labels/{s}.png' for s in stems), *(f'overlays/{s}.jpg' for s in stems)}
    assert (out / 'classes.txt').read_text().splitlines() == list(build.CLASSES)
    for index, stem in enumerate(stems):
        values, palette = labels(out / 'labels' / f'{stem}.png')
        assert values.shape == (70 + 9 * index, 90)
        assert set(np.unique(values)) <= {0, 1, 2}
        colours = data_sets.find('folder', finished[1]).palette
        assert palette[:9] == [channel for colour in colours for channel in colour]
        with Image.open(out / 'overlays' / f'{stem}.jpg') as overlay:
            assert overlay.size == (90, 70 + 9 * index)


@pytest.mark.parametrize('share', [0.25, 0.5, 1.0])
def test_an_overlay_is_the_image_under_the_colours_of_its_labels(finished, tmp_path, capsys, share):
    (tmp_path / 'in').mkdir()
    Image.new('RGB', (80, 64), (200, 30, 60)).save(tmp_path / 'in' / 'a.png')
    arguments = ('--run', finished[0], '--images', tmp_path / 'in', '--out', tmp_path / 'out', '--overlay', share)
    assert command(capsys, *arguments)[0] == 0
    values, palette = labels(tmp_path / 'out' / 'labels' / 'a.png')
    middle = values[20:44, 20:60]
    assert len(np.unique(middle)) == 1, 'one colour has one class'
    wanted = (1 - share) * np.array([200, 30, 60]) + share * np.array(palette[3 * middle[0, 0] :][:3])
    with Image.open(tmp_path / 'out' / 'overlays' / 'a.jpg') as picture:
        assert np.asarray(picture, np.float64)[24:40, 24:56].mean((0, 1)) == pytest.approx(wanted, abs=2)


def test_no_overlays_are_written_for_a_share_of_nothing(finished, pictures, tmp_path, capsys):
    out = tmp_path / 'out'
    assert command(capsys, '--run', finished[0], '--images', pictures, '--out', out, '--overlay', 0)[0] == 0
    assert not (out / 'overlays').exists()


def test_nothing_is_replaced_unasked(finished, pictures, tmp_path, capsys):
    arguments = ('--run', finished[0], '--images', pictures, '--out', tmp_path / 'out')
    assert command(capsys, *arguments)[0] == 0
    victim = tmp_path / 'out' / 'labels' / '2.png'
    victim.write_bytes(b'mine')
    code, _, error = command(capsys, *arguments)
    assert code == 2
    assert 'and 5 more exist already: --continue labels the other images, --force replaces them' in error
    assert victim.read_bytes() == b'mine'
    assert command(capsys, *arguments, '--force')[0] == 0
    assert victim.read_bytes() != b'mine'


def test_a_command_that_was_stopped_goes_on_with_the_images_that_are_left(finished, pictures, tmp_path, capsys):
    out = tmp_path / 'out'
    arguments = ('--run', finished[0], '--images', pictures, '--out', out)
    assert command(capsys, *arguments)[0] == 0
    whole = {path: path.read_bytes() for path in out.rglob('*.*')}
    kept = out / 'labels' / '2.png'
    stamp = kept.stat().st_mtime_ns
    for path in (out / 'labels' / '1.png', *(path for path in (out / 'overlays').rglob('*.jpg') if path.stem != '2')):
        path.unlink(missing_ok=True)
    code, said, _ = command(capsys, *arguments, '--continue')
    assert (code, said) == (0, f'{len(NAMES) - 1} of {len(NAMES) - 1} images labelled (1 were before): {out}\n')
    assert {path: path.read_bytes() for path in out.rglob('*.*')} == whole
    assert kept.stat().st_mtime_ns == stamp
    (out / 'classes.txt').write_text('others\n')
    code, _, error = command(capsys, *arguments, '--continue')
    assert code == 2
    assert 'classes.txt names other classes than this network' in error


def test_unreadable_images_are_named_and_the_others_labelled(finished, pictures, tmp_path, capsys):
    (pictures / 'broken.jpg').write_bytes((pictures / NAMES[0]).read_bytes()[:400])
    (pictures / 'empty.png').write_bytes(b'')
    code, out, error = command(capsys, '--run', finished[0], '--images', pictures, '--out', tmp_path / 'out')
    assert code == 1
    assert out.startswith('3 of 5 images labelled')
    assert f'not labelled: {pictures / "broken.jpg"}: cannot be decoded to its end' in error
    assert f'not labelled: {pictures / "empty.png"}: is empty' in error
    assert not (tmp_path / 'out' / 'labels' / 'broken.png').exists()


def test_a_photograph_held_upright_is_labelled_upright(finished, tmp_path, capsys):
    image = Image.fromarray(np.zeros((64, 100, 3), np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 6
    (tmp_path / 'in').mkdir()
    image.save(tmp_path / 'in' / 'a.jpg', exif=turned)
    assert command(capsys, '--run', finished[0], '--images', tmp_path / 'in', '--out', tmp_path / 'out')[0] == 0
    assert labels(tmp_path / 'out' / 'labels' / 'a.png')[0].shape == (100, 64)


def changed(run, folder, change):
    """A copy of a run with ``change`` made to it."""
    shutil.copytree(run, folder)
    change(folder)
    return folder


def edit(old, new):
    def change(folder):
        path = folder / 'receipt.json'
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (lambda folder: (folder / 'receipt.json').unlink(), 'holds no finished run: no receipt.json in it'),
        (edit('"status": "ok"', '"status": "oom"'), 'ended as oom'),
        (
            lambda folder: (folder / 'training' / 'last.pth').unlink(),
            'kept no weights: .* run fake/good again with --keep-checkpoints and another --results',
        ),
        (lambda folder: (folder / 'attempt.json').touch(), 'is being repeated, and its weights are not its last ones'),
        (lambda folder: (folder / 'training' / 'last.pth').write_bytes(b'x'), 'is no whole checkpoint of torch'),
    ],
)
def test_a_run_that_cannot_predict_says_why(finished, pictures, tmp_path, capsys, change, reason):
    run = changed(finished[0], tmp_path / 'run', change)
    code, _, error = command(capsys, '--run', run, '--images', pictures, '--out', tmp_path / 'out')
    assert code == 2
    assert re.search(reason, error), error
    assert not (tmp_path / 'out').exists()


def test_what_names_no_images_or_no_network_is_refused(finished, pictures, tmp_path, capsys):
    run, out = ('--run', finished[0]), ('--out', tmp_path / 'out')
    shutil.copy(pictures / '2.png', pictures / '2.bmp')
    (tmp_path / 'none').mkdir()
    for arguments, reason in (
        ((*run, '--images', tmp_path / 'absent', *out), f'no folder {tmp_path / "absent"}'),
        ((*run, '--images', tmp_path / 'none', *out), 'no image below'),
        ((*run, '--images', pictures, *out), '2.bmp and 2.png would both become 2.png: rename one'),
        ((*run, '--images', pictures, '--out', pictures / 'out'), 'lies within --images'),
        ((*run, '--images', pictures, *out, '--overlay', 1.5), '--overlay 1.5: a share from 0'),
        ((*run, '--images', pictures, *out, '--size', '1x1'), 'both sides must be at least 64'),
        (('--images', pictures, *out), 'name a network: --run FOLDER, or --config FILE with --checkpoint FILE'),
        (('--config', 'a.py', '--images', pictures, *out), 'name a network'),
        (('--config', 'a.py', '--checkpoint', 'a.pth', '--images', pictures, *out), 'no file a.py'),
    ):
        code, _, error = command(capsys, *arguments)
        assert code == 2
        assert reason in error


@pytest.fixture
def zoo_model(tmp_path):
    """A config as the model zoo has them, and a checkpoint of its network."""
    config = zoo.write(tmp_path / 'zoo')
    model = Config({'model': for_one_device(Config.fromfile(config).model, [])}).model
    torch.manual_seed(0)
    state = {
        name: torch.rand(tensor.shape) if tensor.dtype.is_floating_point else torch.zeros(tensor.shape)
        for name, tensor in cost.build_on_meta(model).state_dict().items()
    }
    torch.save({'state_dict': state}, tmp_path / 'zoo' / 'a.pth')
    return '--config', config, '--checkpoint', tmp_path / 'zoo' / 'a.pth'


def test_a_config_of_the_zoo_labels_with_the_classes_of_its_data(zoo_model, pictures, tmp_path, capsys):
    arguments = (*zoo_model, '--images', pictures, '--size', '64x96')
    assert command(capsys, *arguments, '--out', tmp_path / 'out')[0] == 0
    assert (tmp_path / 'out' / 'classes.txt').read_text().splitlines()[:2] == ['road', 'sidewalk']
    values, palette = labels(tmp_path / 'out' / 'labels' / '2.png')
    assert values.shape == (88, 90)
    assert palette[:3] == [128, 64, 128]
    (tmp_path / 'names.txt').write_text('one\ntwo\n')
    code, _, error = command(capsys, *arguments, '--out', tmp_path / 'other', '--classes', tmp_path / 'names.txt')
    assert code == 2
    assert '--classes names 2 classes, the network predicts 19' in error


def test_a_checkpoint_of_another_network_is_refused(zoo_model, pictures, tmp_path, capsys):
    torch.save({'a': torch.ones(1)}, zoo_model[-1])
    code, _, error = command(capsys, *zoo_model, '--images', pictures, '--out', tmp_path / 'out')
    assert code == 2
    assert 'is no checkpoint of' in error
    assert 'tensors are missing from it' in error
