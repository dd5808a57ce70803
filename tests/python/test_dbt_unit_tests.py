"""dbt's own unit tests of the models, which a build of data leaves out."""

from pathlib import Path

from conftest import DEMO, EVALUATED, Shop


def test_the_unit_tests_of_the_models_pass(demo_shop: Shop, tmp_path: Path) -> None:
    done = demo_shop.copy_to(tmp_path).dbt(
        "test",
        "--select",
        "test_type:unit",
        variables={
            "intent_as_of": DEMO.until.isoformat(),
            "intent_evaluation": EVALUATED,
        },
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert "PASS=0" not in done.stdout
