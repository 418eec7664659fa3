"""When a run would end: known seconds over cores, never less than its longest chain of jobs."""

from datetime import datetime

import pytest
from workflow.costs import ELSEWHERE, OWN, RULE, START, Cost, Costs, forecast, longest_chain
from workflow.plan import Planned

from icnewton.pipeline.records import Record, write_record

NOW = datetime(2030, 5, 6, 14, 0)


def job(name, *inputs, rule="work"):
    return Planned(rule, {"name": name}, "", inputs, (name,))


def record(folder, rule, name, seconds):
    facts = {"inputs": {}, "outputs": {name: "0"}, "params": {}, "commit": "", "versions": {}}
    made = Record(rule, {"name": name}, **facts, device="cpu", started="2030", seconds=seconds)
    write_record(folder / f"records/{rule}/{name}.json", made)


def test_the_longest_chain_counts_jobs_that_wait_for_each_other():
    jobs = [job("d", "b", "c"), job("a"), job("b", "a"), job("c", "a"), job("e")]
    seconds = {"a": 1.0, "b": 10.0, "c": 2.0, "d": 4.0, "e": 7.0}
    assert longest_chain(jobs, lambda j: seconds[j.outputs[0]]) == 15.0
    assert longest_chain([], lambda j: 1.0) == 0


@pytest.mark.parametrize("cores, minutes, why", [(1, 4, ""), (4, 2, " because of its longest")])
def test_a_run_takes_its_work_over_its_cores_or_its_longest_chain(cores, minutes, why):
    jobs = [job("a"), job("b", "a"), job("c"), job("d")]
    text = forecast(jobs, [Cost(60.0, OWN)] * 4, cores, NOW)
    start = f"A run would do 4 jobs, about {minutes} min on {cores} cores, ending at 14:0{minutes}"
    assert text.startswith(start + why)


def test_what_is_guessed_is_said():
    jobs = [job("a"), job("b"), job("c"), job("d", rule="new")]
    costs = [Cost(60.0, OWN), Cost(60.0, RULE), Cost(60.0, ELSEWHERE), Cost(None)]
    assert forecast(jobs, costs, 1, NOW) == (
        "A run would do 4 jobs, about 3 min on 1 cores, ending at 14:03; 1 job is of unknown "
        "length, counted as the median of the rule; 1 job is counted as the rule's median at other "
        "scales; without 1 new, nothing like which was run here yet."
    )
    assert forecast(jobs[:1], [Cost(None)], 1, NOW) == (
        "A run would do 1 job; none was run here yet, so there is no estimate of the time."
    )
    assert "ending at 2030-05-07 00:00" in forecast(jobs[:1], [Cost(36_000.0, OWN)], 1, NOW)


def test_a_job_s_own_record_counts_before_its_rule_s_and_other_scales(tmp_path):
    here, other = tmp_path / "results/here", tmp_path / "results/other"
    for name, seconds in (("a", 10.0), ("b", 20.0), ("c", 60.0)):
        record(here, "work", name, seconds)
    record(other, "work", "d", 500.0)
    record(other, "rest", "e", 70.0)
    costs = Costs(here, tmp_path / "released")
    assert costs.of(job("c")) == Cost(START + 60, OWN)
    assert costs.of(job("z")) == Cost(START + 20, RULE)
    assert costs.of(job("e", rule="rest")) == Cost(START + 70, ELSEWHERE)
    assert costs.of(job("e", rule="never")) == Cost(None)
