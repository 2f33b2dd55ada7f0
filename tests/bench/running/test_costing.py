"""One small network counted and timed, as it is and compiled."""

import dataclasses
import json

import pytest
import torch

import custom_ops  # noqa: F401 - registers the parts
from bench import compose, paths
from bench.measure import latency
from bench.records import CostJob
from bench.running import compiling, costing


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A network at a size that takes milliseconds, compiled by the tracer alone."""
    read, plain = compose.read_experiment, torch.compile

    def small(path):
        experiment = read(path)
        experiment.protocol.cost.input_shape = (3, 64, 96)
        return experiment

    monkeypatch.setattr(compose, 'read_experiment', small)
    monkeypatch.setattr(torch, 'compile', lambda function, **options: plain(function, backend='eager', **options))
    monkeypatch.setattr(costing.energy, 'find_counter', lambda device: None)
    monkeypatch.setattr(costing, 'LARGEST_BATCH', {'cpu': 2})
    checked = compiling.why_not
    checked.cache_clear()
    name = 'kitti_ablation/baseline'
    yield CostJob(name, paths.configs_dir() / f'{name}.py', 'cpu', 'fp32', tmp_path, 'key', seconds=0.02)
    checked.cache_clear()
    torch._dynamo.reset()


def test_the_compiled_network_is_timed_beside_the_eager_one_where_asked(job):
    [alone] = costing.measure(job)
    before, record = costing.measure(dataclasses.replace(job, compile=True))
    assert 'compiled' not in alone.keys() | before.keys()
    compiled = record.pop('compiled')
    assert record == before, 'what was measured before a compiler began is stored whatever becomes of it'
    assert compiled['throughput']['batch_size'] == record['throughput']['batch_size']
    assert compiled['parts'] == ['backbone'] and compiled['reason'] == '', 'its head has no weights'
    assert 0 <= compiled['difference'] <= costing.SAME_LOGITS['fp32']
    for timed in ('latency', 'throughput'):
        assert compiled[timed]['p50_ms'] > 0 and compiled[timed]['input_shape'][1:] == [3, 64, 96]
        assert set(compiled[timed]) == set(record[timed]) - {'contended'}


def test_a_compiler_that_changes_the_answer_is_not_timed(job, monkeypatch):
    def wrong(model, device):
        forward = model.decode_head.forward
        model.decode_head.forward = lambda features: 1.1 * forward(features)
        return {'parts': ['decode_head'], 'reason': ''}

    monkeypatch.setattr(compiling, 'compile_parts', wrong)
    *_, record = costing.measure(dataclasses.replace(job, compile=True))
    compiled = record['compiled']
    assert compiled['reason'].startswith('its logits differ by 0.1') and 'latency' not in compiled


def test_without_a_compiler_the_reason_stands_there(job, monkeypatch):
    monkeypatch.setattr(compiling, 'why_not', lambda device: 'no compiler')
    *_, record = costing.measure(dataclasses.replace(job, compile=True))
    compiled = record['compiled']
    assert compiled == {'parts': [], 'reason': 'no compiler', 'difference': None}


def test_logits_and_classes_are_those_of_one_forward():
    class Model(torch.nn.Module):
        def inference(self, inputs, metas):
            assert len(metas) == len(inputs)
            return torch.cat([inputs, -inputs], dim=1)

    image = torch.randn(2, 1, 4, 5)
    logits = latency.forward_logits(Model(), image)()
    assert torch.equal(latency.forward_argmax(Model(), image)(), logits.argmax(dim=1))


def test_what_an_earlier_record_has_and_a_new_one_has_not_is_kept_with_its_key(job):
    record = {'key': 'old', 'cost': {'input_shape': [3, 64, 96]}, 'latency': 1}
    path = costing.write(job, record | {'training': {'sec_per_step': 2.0}, 'compiled': {'parts': []}})
    costing.write(job, record | {'key': 'new', 'latency': 3, 'compiled': {'parts': ['head']}})
    stored = json.loads(path.read_text())
    assert (stored['key'], stored['latency'], stored['compiled']) == ('new', 3, {'parts': ['head']})
    assert stored['training'] == {'key': 'old', 'sec_per_step': 2.0}
    costing.write(job, record | {'key': 'newer'})
    assert json.loads(path.read_text())['training']['key'] == 'old'


def test_a_size_that_was_asked_for_has_a_file_of_its_own(job):
    record = {'key': 'k', 'cost': {'input_shape': [3, 64, 96]}}
    given = dataclasses.replace(job, size=(64, 96))
    assert costing.write(job, record) != costing.write(given, record)
    given = dataclasses.replace(job, size=(64, 64))
    [alone] = costing.measure(given)
    assert alone['cost']['input_shape'] == [3, 64, 64] and not alone['as_documented']
