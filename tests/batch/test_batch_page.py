"""`docs/batch.md`, the published schema and the Kubernetes example agree with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from mmm.batch.index import COLUMNS
from mmm.cli import app
from mmm.config.batch import Batch
from mmm.config.load import batch_schema, load_batch

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "batch.md").read_text(encoding="utf-8")


def stated(default: object, required: bool) -> str:
    if required:
        return "required"
    if default in (None, [], {}):
        return "none"
    return "defaults" if isinstance(default, dict) else json.dumps(default)


def test_the_page_states_every_key_and_default():
    schema = Batch.model_json_schema()
    blocks = {"Batch": schema, **schema["$defs"]}
    expected = {
        name: {
            key: stated(field.get("default"), key in block.get("required", []))
            for key, field in block["properties"].items()
        }
        for name, block in blocks.items()
    }
    tables = {}
    for section in PAGE.split("\n## ")[1:]:
        if named := re.search(r"`(\w+)`$", section.splitlines()[0]):
            rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
            tables[named[1]] = {row[0].strip("| `"): row[1].strip("`") for row in rows}
    assert tables == expected


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
def test_its_examples_are_batch_files(block, tmp_path):
    path = tmp_path / "batch.yaml"
    path.write_text(block)
    assert load_batch(path).batch == "weekly"


def test_it_names_every_column_of_the_index():
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `index.parquet`")]
    assert set(COLUMNS) <= set(re.findall(r"`(\w+)`", row))


def test_the_published_schema_is_current():
    assert json.loads((DOCS / "batch.schema.json").read_text()) == batch_schema()
    printed = CliRunner().invoke(app, ["schema", "--batch"])
    assert json.loads(printed.stdout) == batch_schema()


def test_the_kubernetes_example_is_valid():
    manifest = yaml.safe_load((DOCS / "kubernetes/batch.yaml").read_text())
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    wrong = {**manifest, "spec": {**manifest["spec"], "shedule": "x"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)
