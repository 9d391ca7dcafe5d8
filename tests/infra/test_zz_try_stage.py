import pytest
from tests.stories.house import open_house
from tests.infra.invariants_stage import Stage
pytestmark = pytest.mark.postgres
def test_x(servers, tmp_path):
    import time
    with open_house(servers, tmp_path) as house:
        t=time.time(); stage=Stage(house); print("stage", time.time()-t)
        t=time.time()
        for f in stage.check(): print(f)
        print("check", time.time()-t)
        for n,s in stage.streams.items(): print(n, house.topics(s))
