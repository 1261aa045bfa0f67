"""Export of weights and the bundle format."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from spliceflow.errors import InputError
from spliceflow.models.bundle import DESCRIPTION, Bundle, BundleCard, write_bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.graphs import MemberWeights

torch = pytest.importorskip("torch")

from spliceflow.models import export  # noqa: E402
from spliceflow.models.architecture import SpliceNetwork  # noqa: E402
from spliceflow.models.export import check_bundle, export_bundle, site_rich_codes  # noqa: E402
from spliceflow.models.weights import read_weights  # noqa: E402

ROOT = Path(__file__).parents[3]
CONFIG = DilatedCnn.of_context(80)


def state_dict(seed: int, config: DilatedCnn = CONFIG) -> dict[str, np.ndarray]:
    """Random weights whose batch norms are not the identity."""
    torch.manual_seed(seed)
    network = SpliceNetwork(config)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.normal_(module.weight, 1, 0.2)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}


@pytest.fixture
def bundle(tmp_path) -> Bundle:
    return export_bundle(
        [state_dict(0), state_dict(1)], CONFIG, BundleCard(name="two"), tmp_path / "two"
    )[0]


def test_export_equals_pytorch(tmp_path):
    for context in (80, 400):
        config = DilatedCnn.of_context(context, negative_slope=0.0, batch_norm_eps=1e-3)
        _, check = export_bundle(
            [state_dict(2, config)], config, BundleCard(name="one"), tmp_path / str(context)
        )
        assert check.largest_difference < 2e-6
        assert 0.05 < check.highest_site_probability <= 1


def test_a_wrong_export_is_noticed(bundle):
    with pytest.raises(InputError, match="differs from PyTorch"):
        check_bundle(bundle, [state_dict(0), state_dict(7)])


def test_a_wrong_export_does_not_appear(tmp_path, monkeypatch):
    check = export.check_bundle
    monkeypatch.setattr(export, "check_bundle", lambda made, _: check(made, [state_dict(7)]))
    with pytest.raises(InputError, match="differs from PyTorch"):
        export_bundle([state_dict(0)], CONFIG, BundleCard(name="one"), tmp_path / "one")
    assert not list(tmp_path.iterdir())


def test_graphs_pass_the_onnx_checker(bundle):
    for member in bundle.members:
        onnx.checker.check_model(bundle.path / member, full_check=True)


def test_weights_survive_the_bundle(bundle):
    folded = MemberWeights.from_state_dict(CONFIG, state_dict(1))
    read = bundle.weights(bundle.members[1])
    assert read.arrays.keys() == folded.arrays.keys()
    for name, array in folded.arrays.items():
        np.testing.assert_array_equal(read.arrays[name], array)


def test_same_weights_same_fingerprint(bundle, tmp_path):
    card = BundleCard(name="other", licence="MIT")
    again, _ = export_bundle([state_dict(0), state_dict(1)], CONFIG, card, tmp_path / "again")
    assert again.fingerprint == bundle.fingerprint
    warm = BundleCard(name="two", temperature=1.2)
    warmer, _ = export_bundle([state_dict(0), state_dict(1)], CONFIG, warm, tmp_path / "warm")
    assert warmer.fingerprint == bundle.fingerprint
    assert warmer.score_fingerprint(True) != bundle.score_fingerprint(True)
    assert warmer.score_fingerprint(True) != warmer.score_fingerprint(False)


def test_an_altered_file_is_refused(bundle):
    with (bundle.path / bundle.members[0]).open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(InputError, match="SHA-256 differs"):
        Bundle.load(bundle.path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"members": []},
        {"members": ["../../etc/passwd"]},
        {"files": {"../x": "0"}},
        {"network": {"kernel_widths": 3}},
        {"notes": 7},
    ],
)
def test_a_damaged_description_is_refused(bundle, change):
    description = bundle.path / DESCRIPTION
    content = json.loads(description.read_text()) | change
    description.write_text(json.dumps(content))
    with pytest.raises(InputError):
        Bundle.load(bundle.path)


@pytest.mark.parametrize("content", ["", "[]", "{", "null", '{"format": 1}'])
def test_a_description_that_is_no_json_object_is_refused(bundle, content):
    (bundle.path / DESCRIPTION).write_text(content)
    with pytest.raises(InputError):
        Bundle.load(bundle.path)


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x;y"])
def test_names_that_are_no_file_names_are_refused(tmp_path, name):
    weights = MemberWeights.from_state_dict(CONFIG, state_dict(0))
    with pytest.raises(InputError, match="name"):
        write_bundle(tmp_path / "b", BundleCard(name=name), [weights])
    assert not (tmp_path / "b").exists()


def test_pickled_code_is_not_executed(tmp_path):
    class Payload:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    folder = tmp_path / "weights"
    folder.mkdir()
    torch.save({"initial_conv.weight": Payload()}, folder / "model.pt")
    with pytest.raises(InputError, match="holds something else than tensors"):
        read_weights(folder)
    assert not (tmp_path / "executed").exists()


def test_directories_without_usable_weights(tmp_path):
    with pytest.raises(InputError, match="no model weights"):
        read_weights(tmp_path)
    torch.save(state_as_tensors(state_dict(0)), tmp_path / "a.pt")
    torch.save(state_as_tensors(state_dict(0, DilatedCnn.of_context(400))), tmp_path / "b.pt")
    with pytest.raises(InputError, match="different networks"):
        read_weights(tmp_path)
    (tmp_path / "c.h5").write_bytes(b"no hdf5")
    with pytest.raises(InputError, match="one kind"):
        read_weights(tmp_path)
    with pytest.raises(InputError, match=r"c\.h5 is not a Keras file"):
        read_weights(tmp_path / "c.h5")


def state_as_tensors(state: dict[str, np.ndarray]) -> dict:
    return {name: torch.from_numpy(np.array(array)) for name, array in state.items()}


def test_the_check_is_made_where_there_are_sites():
    codes = site_rich_codes(80)
    np.testing.assert_array_equal(codes, site_rich_codes(80))
    text = "".join("ACGTN"[code] for code in codes)
    assert text.count("CAGGTAAGT") >= 8
    assert text.startswith("N" * 40)


def test_entrypoint_exports_and_says_what_is_wrong(tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    torch.save(state_as_tensors(state_dict(0)), weights / "m.pt")
    sums = tmp_path / "sums"

    def run(*extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, ROOT / "bin" / "export_model.py", "--weights", weights]
        command += ["--output", tmp_path / "bundle", *extra]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run("--name", "mine", "--info-tag", "Mine")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "mine"
    assert Bundle.load(tmp_path / "bundle").card.info_tag == "Mine"
    sums.write_text(f"{'0' * 64}  m.pt\n")
    failed = run("--sha256", str(sums))
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: m.pt is not the published file")
    assert len(failed.stderr.strip().splitlines()) == 1
