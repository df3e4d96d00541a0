"""OpenAI's tuning jobs: a host tunes a model of its own with files that it keeps.

https://github.com/openai/openai-python (`resources/fine_tuning/jobs/`), read 2026-11. Jobs that Hortus runs itself
are answered at the same paths; these here go to hosts.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Lists, Operation
from hortus.dialects.openai_fine_tuning import relay
from hortus.framing import openai_keeping as keeping
from hortus.framing import plain
from hortus.framing.openai_errors import render_error

_JOBS = "/fine_tuning/jobs"
_JOB = _JOBS + "/{id}"


def _of_job(name: str, method: str, below: str = "") -> Operation:
    return Operation(name, method, _JOB + below, _JOB + below, id_kind="tuning_job", is_free=True, body="none")


DIALECT = Dialect(
    name=relay.NAME,
    operations=keeping.as_operations(
        (
            Operation("create_tuning_job", "POST", _JOBS, _JOBS),
            Operation("list_tuning_jobs", "GET", _JOBS, _JOB, lists="tuning_job", is_free=True, body="none"),
            _of_job("get_tuning_job", "GET"),
            _of_job("cancel_tuning_job", "POST", "/cancel"),
            _of_job("pause_tuning_job", "POST", "/pause"),
            _of_job("resume_tuning_job", "POST", "/resume"),
            _of_job("list_tuning_events", "GET", "/events"),
            _of_job("list_tuning_checkpoints", "GET", "/checkpoints"),
        )
    ),
    read_request=relay.read_request,
    write_request=relay.write_request,
    render_error=render_error,
    render_stream_error=keeping.render_stream_error,
    read_answer=relay.read_answer,
    open_stream=keeping.open_stream,
    weigh=keeping.weigh,
    cap_output=plain.cap_nothing,
    write_routes=keeping.write_routes,
    write_route=keeping.write_route,
    bases=keeping.BASES,
    passed_query=keeping.PASSED_QUERY,
    lists=Lists(keeping.read_page, keeping.is_any, keeping.write_page),
)
