"""The workshop as a host of OpenAI's words: the gateway says for whom it asks, and only the gateway has the key."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from framing.forms import CONTENT_TYPE, field, file, form
from hortus.app.clock import SystemClock
from hortus.app.control import workshop_places
from hortus.app.home import Home
from hortus.base.secrets import FixedVersions, Secret
from hortus.content.archive import Archive
from hortus.content.kept import KeptBounds, KeptContent
from hortus.control.workshop.face import build_face
from hortus.control.workshop.moves import fail, replace, succeed
from hortus.control.workshop.service import Workshop
from hortus.jobs.folders import PROBLEMS, Allowance, JobFolder
from hortus.jobs.records import Base, JobError, JobEvent, JobRecord
from hortus.jobs.reports import Checkpoint, Metric
from hortus.jobs.spec import About
from hortus.store.database import Store, open_store
from hortus.store.jobs import JobTable

SECRET = Secret(1, bytes(range(32)))
KEY = "k" * 48
MINE, THEIRS = "prj_1", "prj_2"
ASKED = {"model": "seedling"}


class Place:
    """A face over a real store, without a conductor."""

    def __init__(self, root: Path, store: Store) -> None:
        clock = SystemClock()
        self.files = Home(root).files
        self.jobs = JobTable(store)
        secrets = FixedVersions((SECRET,))
        self.content = root / "content"
        archive = Archive(self.content, secrets, bounds=KeptBounds(), clock=clock, entropy=os.urandom)
        self.workshop = Workshop(
            self.jobs,
            workshop_places(Home(root), Allowance(jobs=3, bytes=4 * 1024**2)),
            find_base=lambda _project, name: Base(name, folder="f"),
            clock=clock,
            entropy=os.urandom,
            claim=lambda project_id, kind, host_id: archive.claim(project_id, "workshop", kind, host_id),
        )
        self.app = build_face(self.workshop, key=KEY, clock=clock, entropy=os.urandom)
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://workshop/v1")

    async def ask(
        self, method: str, path: str, body: object = None, *, project: str | None = MINE, key: str = KEY
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}", "hortus-key": "key_1"}
        if project is not None:
            headers["hortus-project"] = project
        if isinstance(body, bytes):
            headers["content-type"] = CONTENT_TYPE.decode()
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        return await self.client.request(method, path, content=data, headers=headers)

    async def bring(self, content: bytes = b"{}\n", *, project: str = MINE) -> str:
        body = form(field("purpose", b"fine-tune"), file("file", content, filename="x.jsonl"))
        made = await self.ask("POST", "/files", body, project=project)
        assert made.status_code == 200, made.text
        return made.json()["id"]

    async def begin(self, **more: object) -> JobRecord:
        made = await self.ask("POST", "/fine_tuning/jobs", {**ASKED, "training_file": await self.bring(), **more})
        assert made.status_code == 200, made.text
        return self.workshop.job(MINE, made.json()["id"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "store.sqlite", clock=SystemClock())
    yield store
    store.close()


@pytest.fixture
async def place(tmp_path: Path, store: Store) -> AsyncIterator[Place]:
    place = Place(tmp_path, store)
    yield place
    await place.client.aclose()


def happened(*reports: Metric | Checkpoint) -> list[JobEvent]:
    return [
        JobEvent(
            f"{number}",
            number,
            "figures",
            kind="metrics" if isinstance(one, Metric) else "checkpoint",
            data=msgspec.Raw(msgspec.json.encode(one)),
        )
        for number, one in enumerate(reports)
    ]


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1]])
async def test_only_the_gateway_is_let_in(place: Place, key: str) -> None:
    assert (await place.ask("GET", "/files", key=key)).status_code == 401


async def test_who_asks_for_no_project_gets_nothing(place: Place) -> None:
    assert (await place.ask("GET", "/files", project=None)).status_code == 400


async def test_a_file_lies_on_the_disk_with_its_digest_and_nothing_is_left_aside(place: Place) -> None:
    content = bytes(range(256)) * 9000
    file_id = await place.bring(content)
    record = place.workshop.file(MINE, file_id)
    assert [path.name for path in place.files.iterdir()] == [file_id]
    assert ((place.files / file_id).read_bytes(), record.size_bytes) == (content, len(content))
    assert re.fullmatch(r"[0-9a-f]{64}", record.sha256)


async def test_what_is_new_is_claimed_for_the_gateway(place: Place) -> None:
    job = await place.begin()
    kept = KeptContent(
        *(place.content, FixedVersions((SECRET,))), bounds=KeptBounds(), clock=SystemClock(), entropy=os.urandom
    )
    try:
        assert kept.owner("file", job.spec.training).project_id == MINE
        assert kept.owner("tuning_job", job.id).endpoint == "workshop"
    finally:
        kept.close()


@pytest.mark.parametrize(
    "parts",
    [
        [field("purpose", b"batch"), file("file", b"x")],
        [file("file", b"x")],
        [field("purpose", b"fine-tune"), file("document", b"x")],
        [field("purpose", b"fine-tune"), file("file", b"x"), file("file", b"y")],
        [field("purpose", b"fine-tune"), field("expires_after[seconds]", b"3600"), file("file", b"x")],
        [field("purpose", b"fine-tune"), field("colour", b"red"), file("file", b"x")],
    ],
)
async def test_a_form_that_is_refused_leaves_nothing_behind(place: Place, parts: list[bytes]) -> None:
    refused = await place.ask("POST", "/files", form(*parts))
    assert (refused.status_code, list(place.files.iterdir())) == (400, [])


async def test_a_form_that_is_cut_leaves_nothing_behind(place: Place) -> None:
    whole = form(field("purpose", b"fine-tune"), file("file", b"x" * 3_000_000))
    refused = await place.ask("POST", "/files", whole[:-10])
    assert (refused.status_code, list(place.files.iterdir())) == (400, [])


async def test_a_gateway_that_leaves_midway_leaves_nothing_behind(place: Place) -> None:
    whole = form(field("purpose", b"fine-tune"), file("file", b"x" * 3_000_000))
    incoming = iter(
        [{"type": "http.request", "body": whole[:2_000_000], "more_body": True}, {"type": "http.disconnect"}]
    )
    headers = [
        (b"authorization", f"Bearer {KEY}".encode()),
        (b"hortus-project", MINE.encode()),
        (b"content-type", CONTENT_TYPE),
    ]
    scope = {"type": "http", "method": "POST", "path": "/v1/files", "headers": headers, "query_string": b""}
    sent: list[dict] = []

    async def receive() -> dict:
        return next(incoming)

    async def send(message: dict) -> None:
        sent.append(message)

    await place.app(scope, receive, send)
    assert (sent[0]["status"], list(place.files.iterdir())) == (400, [])


async def test_what_cannot_be_claimed_is_not_begun(place: Place) -> None:
    file_id = await place.bring()
    for path in place.content.iterdir():
        path.unlink()
    place.content.rmdir()
    place.content.write_bytes(b"no folder")
    refused = await place.ask("POST", "/fine_tuning/jobs", {**ASKED, "training_file": file_id})
    assert (refused.status_code, place.workshop.jobs(MINE)) == (500, [])


async def test_another_projects_things_are_not_there(place: Place) -> None:
    job = await place.begin()
    upload = await place.ask("POST", "/uploads", {"bytes": 1, "filename": "x", "purpose": "fine-tune"})
    calls = [
        ("GET", f"/files/{job.spec.training}", None),
        ("GET", f"/files/{job.spec.training}/content", None),
        ("DELETE", f"/files/{job.spec.training}", None),
        ("POST", "/fine_tuning/jobs", {**ASKED, "training_file": job.spec.training}),
        ("GET", f"/fine_tuning/jobs/{job.id}", None),
        ("POST", f"/fine_tuning/jobs/{job.id}/cancel", None),
        ("POST", f"/fine_tuning/jobs/{job.id}/pause", None),
        ("POST", f"/fine_tuning/jobs/{job.id}/resume", None),
        ("GET", f"/fine_tuning/jobs/{job.id}/events", None),
        ("GET", f"/fine_tuning/jobs/{job.id}/checkpoints", None),
        ("POST", f"/uploads/{upload.json()['id']}/parts", form(file("data", b"x"))),
        ("POST", f"/uploads/{upload.json()['id']}/cancel", None),
        ("POST", f"/uploads/{upload.json()['id']}/complete", {"part_ids": []}),
    ]
    answers = [(await place.ask(*call, project=THEIRS)).status_code for call in calls]
    assert answers == [404] * len(calls)
    assert (await place.ask("GET", "/files", project=THEIRS)).json()["data"] == []
    assert (await place.ask("GET", "/fine_tuning/jobs", project=THEIRS)).json()["data"] == []


@pytest.mark.parametrize("upload_id", ["..", "../files", "upload_", "upload_x/../../store", "%2e%2e"])
async def test_no_upload_has_a_name_that_leads_elsewhere(place: Place, upload_id: str) -> None:
    assert (await place.ask("POST", f"/uploads/{upload_id}/cancel")).status_code in {404, 405}


async def test_an_upload_takes_only_its_own_parts_once_each_and_no_more_than_it_said(place: Place) -> None:
    asked = {"bytes": 4, "filename": "x.jsonl", "purpose": "fine-tune", "mime_type": "text/jsonl"}
    upload = (await place.ask("POST", "/uploads", asked)).json()["id"]
    parts = [
        (await place.ask("POST", f"/uploads/{upload}/parts", form(file("data", one)))).json()["id"]
        for one in (b"ab", b"c")
    ]
    assert (await place.ask("POST", f"/uploads/{upload}/parts", form(file("data", b"de")))).status_code == 413
    for wrong in ([parts[0], parts[0]], [*parts, "part_none"], ["../upload.json"], parts):
        refused = await place.ask("POST", f"/uploads/{upload}/complete", {"part_ids": wrong})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "part_ids")
    parts.append((await place.ask("POST", f"/uploads/{upload}/parts", form(file("data", b"d")))).json()["id"])
    done = (await place.ask("POST", f"/uploads/{upload}/complete", {"part_ids": parts})).json()
    assert (place.files / done["file"]["id"]).read_bytes() == b"abcd"
    assert (await place.ask("POST", f"/uploads/{upload}/parts", form(file("data", b"")))).status_code == 400


async def test_parts_with_another_sum_make_no_file(place: Place) -> None:
    upload = (await place.ask("POST", "/uploads", {"bytes": 1, "filename": "x", "purpose": "fine-tune"})).json()["id"]
    part = (await place.ask("POST", f"/uploads/{upload}/parts", form(file("data", b"x")))).json()["id"]
    refused = await place.ask("POST", f"/uploads/{upload}/complete", {"part_ids": [part], "md5": "0" * 32})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "md5")
    assert place.workshop.files(MINE) == []


async def test_a_job_that_is_over_has_its_figures_and_its_verdict_as_files(place: Place) -> None:
    job = await place.begin()
    verdict = msgspec.Raw(b'{"passed": true, "sentence": "It is better."}')
    done = succeed(replace(job, facts={"evaluate": verdict}, trained_tokens=9), product="desk", now_ms=5000).job
    place.jobs.save(done, happened(Metric(2, 2, 0.25, 1e-3, held_out_loss=0.5), Metric(1, 2, 0.75, 2e-3)))
    shown = (await place.ask("GET", f"/fine_tuning/jobs/{job.id}")).json()
    assert (shown["fine_tuned_model"], shown["trained_tokens"], shown["finished_at"]) == ("desk", 9, 5)
    assert shown["hortus"]["verdict"] == {"passed": True, "sentence": "It is better."}
    table, said = [(await place.ask("GET", f"/files/{one}/content")).text for one in shown["result_files"]]
    assert table.splitlines()[:3] == [
        "step,train_loss,valid_loss,learning_rate,gradient_norm,epoch,tokens,tokens_per_s,memory_bytes,energy_j",
        "1,0.75,,0.002,,,0,,,",
        "2,0.25,0.5,0.001,,,0,,,",
    ]
    assert said == bytes(verdict).decode()
    assert (await place.ask("GET", f"/files/{shown['result_files'][0]}")).json()["purpose"] == "fine-tune-results"


async def test_a_job_that_failed_at_its_check_has_every_bad_line_as_a_file(place: Place, tmp_path: Path) -> None:
    job = await place.begin()
    problems = Home(tmp_path).jobs / job.id / PROBLEMS
    problems.parent.mkdir(parents=True)
    problems.write_bytes(b'{"errors": 3}')
    place.jobs.save(fail(job, JobError("invalid_training_file", "Bad."), now_ms=1).job)
    (only,) = (await place.ask("GET", f"/fine_tuning/jobs/{job.id}")).json()["result_files"]
    assert (await place.ask("GET", f"/files/{only}/content")).json() == {"errors": 3}


async def test_result_files_are_made_once_and_stay_deleted(place: Place) -> None:
    job = await place.begin()
    place.jobs.save(succeed(job, product=None, now_ms=5000).job, happened(Metric(1, 1, 0.75, 2e-3)))
    (first,) = (await place.ask("GET", f"/fine_tuning/jobs/{job.id}")).json()["result_files"]
    assert (await place.ask("GET", f"/fine_tuning/jobs/{job.id}")).json()["result_files"] == [first]
    assert (await place.ask("DELETE", f"/files/{first}")).json()["deleted"]
    assert (await place.ask("GET", f"/fine_tuning/jobs/{job.id}")).json()["result_files"] == []


async def test_a_failed_job_says_why_and_has_no_model(place: Place) -> None:
    job = await place.begin()
    error = JobError("out_of_memory", "There is not enough memory.", param="recipe.batch_size", hint="Halve it.")
    place.jobs.save(fail(replace(job, product="desk"), error, now_ms=1).job)
    shown = (await place.ask("GET", f"/fine_tuning/jobs/{job.id}")).json()
    assert (shown["status"], shown["fine_tuned_model"]) == ("failed", None)
    assert shown["error"] == {
        "code": "out_of_memory",
        "message": "There is not enough memory. Halve it.",
        "param": "recipe.batch_size",
    }


async def test_events_and_checkpoints_have_openais_shapes(place: Place) -> None:
    job = await place.begin()
    place.jobs.save(job, happened(Metric(4, 8, 0.5, 1e-3), Checkpoint(4, "c", held_out_loss=0.25, loss=0.5)))
    events = (await place.ask("GET", f"/fine_tuning/jobs/{job.id}/events")).json()
    assert [one["type"] for one in events["data"]] == ["message", "metrics", "message"]
    assert events["data"][1]["data"]["train_loss"] == 0.5
    (checkpoint,) = (await place.ask("GET", f"/fine_tuning/jobs/{job.id}/checkpoints")).json()["data"]
    assert checkpoint["step_number"] == 4
    assert checkpoint["metrics"] == {"step": 4, "train_loss": 0.5, "valid_loss": 0.25}
    rest = await place.ask("GET", f"/fine_tuning/jobs/{job.id}/events?limit=1&after={events['data'][0]['id']}")
    assert [one["id"] for one in rest.json()["data"]] == [events["data"][1]["id"]]
    assert rest.json()["has_more"]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "order=asc"])
async def test_a_page_that_cannot_be_is_refused(place: Place, query: str) -> None:
    job = await place.begin()
    assert (await place.ask("GET", f"/fine_tuning/jobs/{job.id}/events?{query}")).status_code == 400


async def test_an_event_of_another_job_is_no_place_in_a_list(place: Place) -> None:
    job, other = await place.begin(), await place.begin()
    event = (await place.ask("GET", f"/fine_tuning/jobs/{other.id}/events")).json()["data"][0]["id"]
    assert (await place.ask("GET", f"/fine_tuning/jobs/{job.id}/events?after={event}")).status_code == 404


async def test_openais_words_become_the_recipe(place: Place) -> None:
    hyper = {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 0.5}
    job = await place.begin(seed=3, method={"type": "supervised", "supervised": {"hyperparameters": hyper}})
    recipe = job.spec.recipe
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate_multiplier, recipe.seed) == (2.0, 4, 0.5, 3)
    assert job.made_by == "key_1"


async def test_what_people_say_of_the_product_is_kept_and_shown(place: Place) -> None:
    job = await place.begin(hortus={"about": {"maker": "City of Somewhere", "limits": ["No law."]}})
    assert job.spec.about == About(maker="City of Somewhere", limits=("No law.",))
    shown = (await place.ask("GET", f"/fine_tuning/jobs/{job.id}")).json()["hortus"]["about"]
    assert (shown["maker"], shown["limits"], shown["data_licence"]) == ("City of Somewhere", ["No law."], None)


@pytest.mark.parametrize(
    ("about", "param"),
    [
        ({"makr": "x"}, "hortus.about.makr"),
        ({"maker": ""}, "hortus.about.maker"),
        ({"maker": "x" * 201}, "hortus.about.maker"),
        ({"limits": ["x"] * 17}, "hortus.about.limits"),
        ({"maker": "two\nlines"}, "hortus.about.maker"),
    ],
)
async def test_words_that_cannot_stand_in_the_papers_are_refused(place: Place, about: object, param: str) -> None:
    asked = {**ASKED, "training_file": await place.bring(), "hortus": {"about": about}}
    refused = await place.ask("POST", "/fine_tuning/jobs", asked)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


async def test_every_member_of_the_own_part_reaches_the_job(place: Place) -> None:
    own = {
        "recipe": {"patience": 3}, "gate": {"margin": 0.25}, "about": {"maker": "City of Somewhere"},
        "engine": "transformers", "form": "adapter", "deploy": False, "held_out_share": 0.25,
    }  # fmt: skip
    spec = (await place.begin(hortus=own)).spec
    assert (spec.recipe.patience, spec.gate.margin, spec.about.maker) == (3, 0.25, "City of Somewhere")
    assert (spec.engine, spec.form, spec.deploy, spec.held_out_share) == ("transformers", "adapter", False, 0.25)


async def test_what_is_automatic_stays_the_recipes_own(place: Place) -> None:
    automatic = dict.fromkeys(("n_epochs", "batch_size", "learning_rate_multiplier"), "auto")
    job = await place.begin(hyperparameters=automatic, hortus={"recipe": {"epochs": 9.0}})
    assert (job.spec.recipe.epochs, job.spec.recipe.batch_size) == (9.0, 16)


def hyper(**members: object) -> dict[str, object]:
    return {"method": {"type": "supervised", "supervised": {"hyperparameters": members}}}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"hortus": {"recipe": {"epochs": 10**6}}}, "hortus.recipe.epochs"),
        ({"hortus": {"recipe": {"lora": {"rank": 0}}}}, "hortus.recipe.lora.rank"),
        ({"hortus": {"gate": {"margin": -1.0}}}, "hortus.gate.margin"),
        ({"hortus": {"held_out_share": 2.0}}, "hortus.held_out_share"),
        ({"seed": -1}, "seed"),
        ({"hyperparameters": {"n_epochs": 10**6}}, "hyperparameters.n_epochs"),
        (hyper(n_epochs=10**6), "method.supervised.hyperparameters.n_epochs"),
        (hyper(batch_size=10**6), "method.supervised.hyperparameters.batch_size"),
        ({**hyper(batch_size=2), "hortus": {"recipe": {"steps": 0}}}, "hortus.recipe.steps"),
        ({"validation_file": "file-of-nobody"}, "validation_file"),
        ({"training_file": "file-of-nobody"}, "training_file"),
    ],
)
async def test_what_is_out_of_bounds_is_named_as_its_caller_wrote_it(
    place: Place, members: dict[str, object], param: str
) -> None:
    body = {**ASKED, "training_file": await place.bring(), **members}
    refused = await place.ask("POST", "/fine_tuning/jobs", body)
    assert (refused.status_code in {400, 404}, refused.json()["error"]["param"]) == (True, param)
    if param.endswith("epochs"):
        assert refused.json()["error"]["message"].startswith(f"`{param}` is out of bounds.")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"no json", None),
        ({"training_file": "file-x"}, "model"),
        ({"model": 3, "training_file": "file-x"}, "model"),
        ({"model": "m", "training_file": "file-x", "hortus": {"gait": {}}}, "hortus.gait"),
        ({"model": "m", "training_file": "file-x", "method": {"type": "dpo", "supervised": {}}}, "method.supervised"),
        ({"model": "m", "training_file": "file-x", "metadata": {"k": "v" * 513}}, "metadata.k"),
        (
            {"model": "m", "training_file": "file-x", "hortus": {"recipe": {"batch_size": "many"}}},
            "hortus.recipe.batch_size",
        ),
        (
            {
                "model": "m",
                "training_file": "file-x",
                "method": {"type": "supervised", "supervised": {"hyperparameters": {"beta": 1}}},
            },
            "method.supervised.hyperparameters.beta",
        ),
    ],
)
async def test_what_is_not_understood_is_named(place: Place, body: object, param: str | None) -> None:
    headers = {"authorization": f"Bearer {KEY}", "hortus-project": MINE}
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    refused = await place.client.post("/fine_tuning/jobs", content=data, headers=headers)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


async def test_what_killed_processes_left_is_swept_and_nothing_else(place: Place) -> None:
    kept = await place.bring()
    upload = (await place.ask("POST", "/uploads", {"bytes": 1, "filename": "x", "purpose": "fine-tune"})).json()["id"]
    for name in (".half", "file-nobodys"):
        (place.files / name).write_bytes(b"left")
    assert place.workshop.sweep() == 2
    assert {path.name for path in place.files.iterdir()} == {kept, ".uploads"}
    assert (await place.ask("POST", f"/uploads/{upload}/cancel")).status_code == 200


async def test_files_come_at_the_same_time_without_mixing(place: Place) -> None:
    contents = [bytes([number]) * 1_000_000 for number in range(4)]
    ids = await asyncio.gather(*(place.bring(one) for one in contents))
    assert [(place.files / one).read_bytes() for one in ids] == contents


async def test_a_project_queues_no_more_jobs_than_it_may_and_others_still_can(place: Place) -> None:
    for _ in range(3):
        await place.begin()
    body = {**ASKED, "training_file": await place.bring()}
    refused = await place.ask("POST", "/fine_tuning/jobs", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "no_room")
    theirs = {**ASKED, "training_file": await place.bring(project=THEIRS)}
    assert (await place.ask("POST", "/fine_tuning/jobs", theirs, project=THEIRS)).status_code == 200


async def test_what_comes_at_the_same_time_finds_no_more_room_than_there_is(place: Place) -> None:
    whole = form(field("purpose", b"fine-tune"), file("file", b"x" * 1024**2, filename="x.jsonl"))
    part = {"bytes": 1024**2, "filename": "x", "purpose": "fine-tune"}
    job = {**ASKED, "training_file": await place.bring(project=THEIRS)}
    wholes = await asyncio.gather(*(place.ask("POST", "/files", whole) for _ in range(8)))
    jobs = await asyncio.gather(*(place.ask("POST", "/fine_tuning/jobs", job, project=THEIRS) for _ in range(8)))
    parts = await asyncio.gather(*(place.ask("POST", "/uploads", part, project="prj_3") for _ in range(8)))
    for answers, room in ((wholes, 4), (jobs, 3), (parts, 4)):
        assert sorted(one.status_code for one in answers) == [200] * room + [400] * (8 - room)
    assert len([path for path in place.files.iterdir() if path.is_file()]) == 4 + 1


async def test_a_project_brings_no_more_bytes_than_it_may_whole_or_in_parts(place: Place) -> None:
    await place.bring(b"x" * 3 * 1024**2)
    body = form(field("purpose", b"fine-tune"), file("file", b"x" * 2 * 1024**2, filename="x.jsonl"))
    assert (await place.ask("POST", "/files", body)).json()["error"]["code"] == "no_room"
    asked = {"bytes": 600 * 1024, "filename": "x", "purpose": "fine-tune"}
    assert [(await place.ask("POST", "/uploads", asked)).status_code for _ in range(2)] == [200, 400]
    assert len([path for path in place.files.iterdir() if path.is_file()]) == 1


def write_product(place: Place, job_id: str, size_bytes: int) -> None:
    product = JobFolder(place.files.with_name("jobs") / job_id).product
    product.mkdir(parents=True)
    (product / "weights").write_bytes(b"x" * size_bytes)


@pytest.mark.parametrize("state", ["validating_files", "succeeded"])
async def test_what_a_job_has_written_counts_towards_its_project_alone(place: Place, state: str) -> None:
    job = await place.begin()
    write_product(place, job.id, 4 * 1024**2)
    if state == "succeeded":
        place.jobs.save(succeed(job, product="ft", now_ms=1).job)
    body = form(field("purpose", b"fine-tune"), file("file", b"{}", filename="x.jsonl"))
    for refused in (
        await place.ask("POST", "/files", body),
        await place.ask("POST", "/fine_tuning/jobs", {**ASKED, "training_file": job.spec.training}),
    ):
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (400, "no_room")
        assert "hortus jobs remove" in error["message"]
    theirs = {**ASKED, "training_file": await place.bring(project=THEIRS)}
    assert (await place.ask("POST", "/fine_tuning/jobs", theirs, project=THEIRS)).status_code == 200


async def test_a_figure_that_is_written_down_is_not_measured_again(place: Place) -> None:
    job = await place.begin()
    place.jobs.save(succeed(job, product="ft", now_ms=1).job)
    place.jobs.measured(job.id, 10)
    write_product(place, job.id, 4 * 1024**2)
    assert place.workshop.room.bytes_of(MINE) == 10 + len(b"{}\n")


@pytest.mark.parametrize("size", [0, -1, 10**12])
async def test_an_upload_without_end_is_not_begun(place: Place, size: int) -> None:
    asked = {"bytes": size, "filename": "x", "purpose": "fine-tune"}
    assert (await place.ask("POST", "/uploads", asked)).json()["error"]["param"] == "bytes"


@pytest.mark.parametrize("suite", ["../files/other", "/etc/passwd", "unknown"])
async def test_a_job_names_no_suite_that_is_not_there_and_no_path(place: Place, suite: str) -> None:
    (place.files / "other.jsonl").write_bytes(b"{}")
    body = {**ASKED, "training_file": await place.bring(), "hortus": {"gate": {"suites": [suite]}}}
    refused = await place.ask("POST", "/fine_tuning/jobs", body)
    assert (refused.status_code in {400, 404}, refused.json()["error"]["param"]) == (True, "hortus.gate.suites")


@pytest.mark.parametrize("member", ["model", "training_file", "validation_file"])
async def test_a_name_as_long_as_a_book_is_refused_without_being_repeated(place: Place, member: str) -> None:
    refused = await place.ask("POST", "/fine_tuning/jobs", {**ASKED, "training_file": "f", member: "x" * 100_000})
    assert (refused.status_code, len(refused.content) < 1000) == (400, True)
