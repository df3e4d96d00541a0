"""Files, datasets, jobs and bases by the admin API: what it takes, answers, refuses and writes down."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from control_ground import SECRET, TOKEN, Control, running_control

import hortus.engines.seedling
from hortus.base.secrets import FixedVersions
from hortus.content.exchange import Exchange
from hortus.content.exchanges import Exchanges
from hortus.control.workshop.moves import Seen, next_move, replace
from hortus.jobs.records import JobError, JobEvent, JobRecord
from hortus.jobs.reports import Done, Line, Metric

LINES = b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n' * 20
CHECKED = msgspec.json.encode({"dataset": "d" * 64})


async def bring(control: Control, content: bytes = LINES, *, query: str = "?name=desk.jsonl") -> dict[str, Any]:
    answer = await control.send("POST", f"/admin/v1/files{query}", content)
    assert answer.status == 201, answer.body
    return msgspec.json.decode(answer.body)


async def begin(control: Control, **members: object) -> dict[str, Any]:
    file = await bring(control)
    return await control.ask("POST", "/jobs", {"training": file["id"], **members})


def stored(control: Control, job_id: str) -> JobRecord:
    job = control.plane.ports.jobs.job(job_id)
    assert job is not None
    return job


def finish(control: Control, job_id: str, *, passed: bool) -> None:
    verdict = msgspec.Raw(msgspec.json.encode({"passed": passed, "checks": []}))
    error = None if passed else JobError("barred_by_gate", "the gain is not above its margin")
    state = "succeeded" if passed else "failed"
    job = replace(stored(control, job_id), state=state, phase="over", error=error, facts={"evaluate": verdict})
    control.plane.ports.jobs.save(job)


async def acts(control: Control, kind: str) -> list[dict[str, Any]]:
    return (await control.ask("GET", f"/acts?kind={kind}"))["acts"]


async def test_a_file_is_kept_as_it_came_and_listed(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        file = await bring(control)
        assert (control.home.files / file["id"]).read_bytes() == LINES
        assert file["sha256"] == hashlib.sha256(LINES).hexdigest()
        assert (await control.ask("GET", "/files?project=default"))["files"] == [file]


async def test_a_file_longer_than_any_other_body_is_taken(tmp_path: Path) -> None:
    content = LINES * 6000
    async with running_control(tmp_path) as control:
        file = await bring(control, content)
        assert file["size_bytes"] == len(content) > 8 * 1024 * 1024


async def test_a_long_body_is_taken_for_files_alone(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        host, port = control.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        said = f"host: {host}\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {9 << 20}\r\nconnection: close"
        writer.write(f"POST /admin/v1/jobs HTTP/1.1\r\n{said}\r\n\r\n".encode())
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert answer.split()[1] == b"413"


async def test_nothing_is_left_of_a_file_that_is_refused(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        status, error = await control.fail("POST", "/files?name=a&project=nobody", LINES)
        assert (status, error["code"]) == (404, "not_found")
        assert not list(control.home.files.iterdir())


async def test_a_deleted_file_is_gone_from_the_disk(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        file = await bring(control)
        assert (await control.ask("DELETE", f"/files/{file['id']}"))["deleted_at_ms"]
        assert not list(control.home.files.iterdir())
        assert (await control.fail("GET", f"/files/{file['id']}"))[0] == 404


async def test_a_file_that_a_job_still_reads_stays(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        status, error = await control.fail("DELETE", f"/files/{job['training']}")
        assert (status, error["code"]) == (409, "not_possible")


async def test_a_job_begins_with_the_check_of_its_file(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control, suffix="desk", recipe={"epochs": 1, "lora": None}, gate={"margin": 0.2})
        assert (job["state"], job["phase"], job["base"]) == ("validating_files", "check", "seedling")
        assert (job["recipe"]["epochs"], job["recipe"]["lora"], job["gate"]["margin"]) == (1.0, None, 0.2)
        assert (await control.ask("GET", f"/jobs/{job['id']}")) == job
        assert (await control.ask("GET", "/jobs"))["jobs"] == [job]


async def test_what_people_say_of_the_product_is_shown_with_the_job(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control, about={"maker": "City of Somewhere", "data_licence": "CC0-1.0"})
        assert (await control.ask("GET", f"/jobs/{job['id']}"))["about"] == {
            "maker": "City of Somewhere",
            "intended_purpose": None,
            "limits": [],
            "data_description": None,
            "data_licence": "CC0-1.0",
        }


async def test_a_check_has_no_product_to_say_anything_of(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        asked = {"training": (await bring(control))["id"], "about": {"maker": "City of Somewhere"}}
        status, error = await control.fail("POST", "/datasets/check", asked)
        assert (status, error["path"]) == (400, "about")


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"recipe": {"epoch": 1}}, "recipe"),
        ({"recipe": {"lora": {"rank": "x"}}}, "recipe.lora.rank"),
        ({"recipe": {"schedule": "steep"}}, "recipe.schedule"),
        ({"gate": {"margin": None}}, "gate.margin"),
        ({"about": {"makr": "x"}}, "about"),
        ({"about": {"intended_purpose": 3}}, "about.intended_purpose"),
        ({"about": {"limits": ["x" * 501]}}, "about.limits[0]"),
        ({"method": "guess"}, "method"),
    ],
)
async def test_a_setting_that_cannot_be_is_named(tmp_path: Path, members: dict[str, object], path: str) -> None:
    async with running_control(tmp_path) as control:
        file = await bring(control)
        status, error = await control.fail("POST", "/jobs", {"training": file["id"], **members})
        assert (status, error["path"]) == (400, path)


async def test_an_unknown_base_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        file = await bring(control)
        status, error = await control.fail("POST", "/jobs", {"training": file["id"], "base": "gone"})
        assert status == 409
        assert "seedling" in error["hint"]


async def test_nothing_is_tuned_that_has_no_weights(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        file = await bring(control)
        status, error = await control.fail("POST", "/jobs", {"training": file["id"], "base": "scratch"})
        assert (status, error["path"]) == (409, "method")
        job = await control.ask("POST", "/jobs", {"training": file["id"], "base": "scratch", "method": "scratch"})
        assert job["base"] == "scratch"


async def test_a_check_ends_when_the_examples_are_checked(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        file = await bring(control)
        job = await control.ask("POST", "/datasets/check", {"training": file["id"], "base": "seedling"})
        before = stored(control, job["id"])
        move = next_move(before, Seen(lines=[Line(1, Done(msgspec.Raw(CHECKED)))], read=9), now_ms=5)
        control.plane.ports.jobs.save(move.job, move.events)
        assert (move.job.state, move.job.phase, move.job.product) == ("succeeded", "over", None)
        found = await control.ask("GET", f"/datasets/{'d' * 64}")
        assert (found["job"]["id"], found["result"]) == (job["id"], {"dataset": "d" * 64})


def checked(control: Control, job_id: str) -> Path:
    """Let a job's examples have been checked; return the dataset's folder."""
    folder = control.home.datasets / ("d" * 64)
    folder.mkdir()
    (folder / "facts.json").write_text('{"examples":20}')
    job = replace(stored(control, job_id), dataset=folder.name)
    control.plane.ports.jobs.save(job)
    return folder


async def test_datasets_are_listed_with_what_is_in_them(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        checked(control, job["id"])
        found = (await control.ask("GET", "/datasets"))["datasets"]
        assert [(one["dataset"], one["facts"]) for one in found] == [("d" * 64, {"examples": 20})]


async def test_a_dataset_is_deleted_for_good_and_that_is_an_act(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        folder = checked(control, job["id"])
        finish(control, job["id"], passed=True)
        await control.ask("DELETE", f"/datasets/{folder.name}")
        assert not list(control.home.datasets.iterdir())
        assert [one["operation"] for one in await acts(control, "dataset")] == ["datasets.delete"]
        assert (await control.fail("DELETE", f"/datasets/{folder.name}"))[0] == 404


async def test_a_dataset_that_a_job_still_reads_stays(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        folder = checked(control, job["id"])
        assert (await control.fail("DELETE", f"/datasets/{folder.name}"))[0] == 409
        assert folder.is_dir()


async def test_half_a_copy_of_a_killed_process_is_no_base(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        left = control.home.models / ".half.1.new"
        left.mkdir()
        (left / "config.json").write_text("{}")
        assert {one["name"] for one in (await control.ask("GET", "/bases"))["bases"]} == {"seedling", "scratch"}


async def test_checks_alone_are_not_among_the_jobs(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        file = await bring(control)
        await control.ask("POST", "/datasets/check", {"training": file["id"]})
        assert (await control.ask("GET", "/jobs"))["jobs"] == []


async def test_events_come_oldest_first_and_only_the_newer_ones(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        events = [JobEvent(f"e{number}", number, f"event {number}") for number in range(1200)]
        control.plane.ports.jobs.save(stored(control, job["id"]), events)
        every = (await control.ask("GET", f"/jobs/{job['id']}/events?limit=2000"))["events"]
        assert [one["number"] for one in every] == list(range(1, 1202))
        newer = (await control.ask("GET", f"/jobs/{job['id']}/events?newer_than=1199"))["events"]
        assert [one["message"] for one in newer] == ["event 1198", "event 1199"]


async def test_figures_of_steps_are_listed_apart(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        figures = msgspec.Raw(msgspec.json.encode(Metric(step=3, steps=9, loss=1.5, learning_rate=0.1)))
        event = JobEvent("metric:3", 7, "Step 3/9", kind="metrics", data=figures)
        control.plane.ports.jobs.save(stored(control, job["id"]), [event])
        found = (await control.ask("GET", f"/jobs/{job['id']}/metrics"))["metrics"]
        assert [(one["step"], one["loss"], one["at_ms"]) for one in found] == [(3, 1.5, 7)]


async def test_a_job_is_paused_resumed_and_cancelled(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        for word, wish in (("pause", "pause"), ("resume", "run"), ("cancel", "cancel")):
            assert (await control.ask("POST", f"/jobs/{job['id']}/{word}"))["wish"] == wish
        finish(control, job["id"], passed=True)
        assert (await control.fail("POST", f"/jobs/{job['id']}/cancel"))[0] == 409


async def test_the_verdict_is_shown_as_the_gate_wrote_it(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        assert (await control.ask("GET", f"/jobs/{job['id']}/verdict"))["passed"] is None
        finish(control, job["id"], passed=False)
        found = await control.ask("GET", f"/jobs/{job['id']}/verdict")
        assert (found["passed"], found["verdict"]) == (False, {"passed": False, "checks": []})


async def test_what_the_gate_has_barred_is_not_served(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        finish(control, job["id"], passed=False)
        status, error = await control.fail("POST", f"/jobs/{job['id']}/deploy")
        assert status == 409
        assert "the gain is not above its margin" in error["message"]
        assert "verdict" in error["hint"]


async def test_a_job_that_is_not_over_is_not_served(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        assert (await control.fail("POST", f"/jobs/{job['id']}/deploy"))[0] == 409


async def test_a_product_that_has_passed_is_served_for_its_project(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        finish(control, job["id"], passed=True)
        gguf = control.home.jobs / job["id"] / "product" / "gguf" / "model.gguf"
        gguf.parent.mkdir(parents=True)
        gguf.write_bytes(b"GGUF")
        served = await control.ask("POST", f"/jobs/{job['id']}/deploy", {"name": "desk"})
        assert (served["name"], served["source"]) == ("desk", str(gguf))
        assert "desk" in (await control.ask("GET", "/projects/default"))["routes"]


async def test_who_did_what_is_written_down_without_what_examples_say(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        await control.ask("POST", f"/jobs/{job['id']}/cancel")
        assert [one["operation"] for one in await acts(control, "file")] == ["files.create"]
        assert [one["operation"] for one in await acts(control, "job")] == ["jobs.cancel", "jobs.create"]


async def test_a_suite_is_kept_listed_and_removed(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        added = await control.send("POST", "/admin/v1/suites?name=greetings", LINES)
        assert (added.status, msgspec.json.decode(added.body)["items"]) == (201, 20)
        assert [one["name"] for one in (await control.ask("GET", "/suites"))["suites"]] == ["greetings"]
        await control.ask("DELETE", "/suites/greetings")
        assert (await control.ask("GET", "/suites"))["suites"] == []


async def test_a_suite_with_a_line_that_asks_nothing_is_refused(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        status, error = await control.fail("POST", "/suites?name=bad", b'{"messages":[]}\n')
        assert (status, error["path"]) == (400, "line 1, $.messages")
        assert (await control.ask("GET", "/suites"))["suites"] == []


async def test_a_suite_that_is_not_here_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        file = await bring(control)
        wanted = {"training": file["id"], "gate": {"suites": ["gone"]}}
        status, error = await control.fail("POST", "/jobs", wanted)
        assert (status, error["path"]) == (404, "gate.suites")


def keep(control: Control, receipt_id: str, *, project_id: str) -> None:
    """Keep an exchange of a project, as a worker does."""
    clock = control.plane.ports.clock
    request = b'{"model":"r","messages":[{"role":"user","content":"hello"}]}'
    message = {"role": "assistant", "content": "good day"}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    answer = msgspec.json.encode(
        {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
    )
    exchange = Exchange(
        receipt_id=receipt_id, at_ms=clock.now_ms(), days=30, project_id=project_id, project="default", key_id="key_1",
        route="r", dialect="openai_chat", operation="chat", endpoint="e", status=200, is_stream=False, is_whole=True,
        request=request, answer=answer, request_bytes=len(request), answer_bytes=len(answer),
    )  # fmt: skip
    kept = Exchanges(control.home.content, FixedVersions((SECRET,)), clock=clock, entropy=os.urandom)
    kept.keep(exchange)
    kept.close()


async def test_kept_content_becomes_a_file_of_examples_and_an_act(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        project = await control.ask("PUT", "/projects/default/keeping", {"keep_content_days": 30})
        keep(control, "rcp_1", project_id=project["id"])
        keep(control, "rcp_2", project_id="prj_of_others")
        made = await control.ask("POST", "/files/from-content", {"project": "default"})
        lines = (control.home.files / made["file"]["id"]).read_bytes().splitlines()
        assert (made["examples"], len(lines)) == (1, 1)
        assert [one["content"] for one in msgspec.json.decode(lines[0])["messages"]] == ["hello", "good day"]
        act = (await acts(control, "file"))[0]
        assert act["operation"] == "files.create_from_content"
        assert "good day" not in msgspec.json.encode(act).decode()


async def test_a_project_that_keeps_no_content_gives_no_file(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        status, error = await control.fail("POST", "/files/from-content", {"project": "default"})
        assert (status, error["path"]) == (409, "project")
        assert not list(control.home.files.iterdir())


async def test_prometheus_reads_jobs_by_state_and_how_one_goes(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        job = await begin(control)
        figures = msgspec.Raw(msgspec.json.encode(Metric(step=3, steps=9, loss=1.5, learning_rate=0, tokens_per_s=70)))
        event = JobEvent("metric:3", 7, "Step 3/9", kind="metrics", data=figures)
        control.plane.ports.jobs.save(replace(stored(control, job["id"]), state="running"), [event])
        text = (await control.send("GET", "/metrics", token=None)).body.decode()
        assert 'hortus_jobs{state="running"} 1.0' in text
        assert f'hortus_job_loss{{job="{job["id"]}"}} 1.5' in text
        assert f'hortus_job_tokens_per_second{{job="{job["id"]}"}} 70.0' in text


async def test_bases_that_can_be_tuned_are_listed(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        found = {one["name"]: one for one in (await control.ask("GET", "/bases"))["bases"]}
        assert found["scratch"]["kind"] == "scratch"
        assert found["seedling"]["kind"] == "seedling"


async def test_a_base_that_was_spoilt_since_the_last_look_is_shown_so(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/bases", {"name": "mine", "folder": str(Path(hortus.engines.seedling.__path__[0]))})
        shown = []
        for _ in range(2):
            shown.append({one["name"]: one for one in (await control.ask("GET", "/bases"))["bases"]}["mine"])
            (control.home.models / "mine" / "config.json").write_text("{}")
        assert (shown[0]["parameters"] > 0, shown[0].get("reason")) == (True, None)
        assert "names no architecture" in shown[1]["reason"]


async def test_weights_that_would_run_code_are_no_base(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures":["LlamaForCausalLM"]}')
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    async with running_control(tmp_path) as control:
        status, error = await control.fail("POST", "/bases", {"name": "bad", "folder": str(folder)})
        assert status == 400
        assert "pytorch_model.bin" in error["path"]
        assert not list(control.home.models.iterdir())


@pytest.mark.parametrize("name", ["seedling", "../bad", ".bad", "a/b"])
async def test_a_base_with_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    async with running_control(tmp_path) as control:
        assert (await control.fail("POST", "/bases", {"name": name, "folder": str(tmp_path)}))[0] in {400, 409}
