import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace

import pytest

from bench.data_sets import obtain as module
from bench.data_sets import voc9
from bench.data_sets.obtain import obtain
from bench.errors import DataError


def zipped(path, root, folders):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('README', 'x')
        for folder in folders:
            for file in sorted((root / folder).rglob('*.png')):
                archive.write(file, file.relative_to(root))
    return path


def test_kitti_is_unpacked_from_its_zip(kitti_root, tmp_path):
    file = zipped(tmp_path / 'data_semantics.zip', kitti_root, ['training'])
    dataset = obtain('kitti', tmp_path / 'out', [file])
    assert (dataset.root, len(dataset.splits['test'])) == (tmp_path / 'out', 50)
    assert (dataset.root / dataset.splits['test'][49].label).read_bytes()


def test_cityscapes_is_unpacked_from_both_zips_into_one_folder(cityscapes_root, tmp_path):
    files = [
        zipped(tmp_path / f'{folder}_trainvaltest.zip', cityscapes_root, [folder])
        for folder in ('leftImg8bit', 'gtFine')
    ]
    assert len(obtain('cityscapes29', tmp_path / 'out', files).splits['train']) == 3


def test_one_of_two_archives_is_not_enough(cityscapes_root, tmp_path):
    file = zipped(tmp_path / 'gtFine_trainvaltest.zip', cityscapes_root, ['gtFine'])
    with pytest.raises(DataError, match=r'no Cityscapes in .*out: leftImg8bit/train, leftImg8bit/val missing'):
        obtain('cityscapes19', tmp_path / 'out', [file])


@pytest.fixture
def voc_tar(voc_root, tmp_path, monkeypatch):
    """The official name, size and checksum stand for a tiny tar here."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        archive.add(voc_root / 'VOCdevkit', 'VOCdevkit')
        archive.addfile(tarfile.TarInfo('VOCdevkit/VOC2012/Annotations/2007_000000.xml'), io.BytesIO())
    content = buffer.getvalue()
    known = replace(voc9.ARCHIVES[0], size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(voc9, 'ARCHIVES', (known,))
    file = tmp_path / known.name
    file.write_bytes(content)
    return file


def test_voc_is_verified_and_unpacked_without_what_is_not_needed(voc_tar, tmp_path):
    dataset = obtain('voc9', tmp_path / 'out', [voc_tar])
    assert dataset.root == tmp_path / 'out' / 'VOCdevkit' / 'VOC2012'
    assert sorted(path.name for path in dataset.root.iterdir()) == ['ImageSets', 'JPEGImages', 'SegmentationClass']


def test_voc_is_downloaded_where_no_archive_is_given(voc_tar, tmp_path, monkeypatch):
    asked = []

    def fetch(archive, folder, advance):
        asked.append((archive.url, folder))
        return voc_tar

    monkeypatch.setattr(module, 'fetch', fetch)
    assert len(obtain('voc9', tmp_path / 'out').splits['train']) == 3
    assert asked == [(voc9.ARCHIVES[0].url, tmp_path / 'out')]


def test_a_changed_archive_is_refused(voc_tar, tmp_path):
    voc_tar.write_bytes(voc_tar.read_bytes()[:-1] + b'!')
    with pytest.raises(DataError, match=r'has SHA-256 \w+, not \w+: delete it and get it again'):
        obtain('voc9', tmp_path / 'out', [voc_tar])
    assert not (tmp_path / 'out').exists()


def test_an_archive_with_another_name_is_refused(tmp_path):
    with pytest.raises(DataError, match=r'data_road.zip is no archive of kitti: official names are data_semantics.zip'):
        obtain('kitti', tmp_path, [tmp_path / 'data_road.zip'])
    with pytest.raises(DataError, match=r'no archive .*data_semantics.zip: name the file that was downloaded'):
        obtain('kitti', tmp_path, [tmp_path / 'data_semantics.zip'])


@pytest.mark.parametrize('name', ['kitti', 'cityscapes20'])
def test_registration_is_not_gone_round(name, tmp_path):
    with pytest.raises(
        DataError, match=rf'owners ask every user to register: .*--archive; `data.py {name}` says where'
    ):
        obtain(name, tmp_path)
