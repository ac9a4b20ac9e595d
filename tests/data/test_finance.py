"""The finance block is held against the plan before anything is fitted."""

import pytest

import mmm
from mmm.errors import InputError
from mmm.simulate import simulate_world


@pytest.mark.parametrize(("horizon", "refused"), [(12, True), (13, False)])
def test_a_horizon_that_ends_before_the_spending_is_refused(horizon, refused):
    world = simulate_world("national", periods=60)
    content = world.study.model_dump(exclude_unset=True)
    content["finance"]["horizon"] = horizon
    del content["plan"]
    study = mmm.Study.model_validate(content)
    if refused:
        with pytest.raises(InputError, match=r"finance\.horizon: 12 periods end before"):
            mmm.panel_from_frame(study, world.frame)
    else:
        mmm.panel_from_frame(study, world.frame)
