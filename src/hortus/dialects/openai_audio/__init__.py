"""OpenAI's sound: text is spoken, speech is written down or translated. Hosts and local programs speak it likewise.

https://developers.openai.com/api/reference/resources/audio, recalled 2026-11; openai-python 3.52, read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.dialects.openai_audio.relay import (
    NAME,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
    count_speech,
    open_stream,
    read_answer,
    read_request,
)
from hortus.dialects.openai_audio.units import weigh
from hortus.framing import plain
from hortus.framing.azure_paths import at_deployments
from hortus.framing.forms import read_form
from hortus.framing.openai_errors import render_error

_OPERATIONS = (
    Operation(SPEECH, "POST", "/v1/audio/speech", "/audio/speech", can_stream=True, answer="bytes"),
    *(
        Operation(name, "POST", f"/v1/audio/{name}", f"/audio/{name}", can_stream=True, body="multipart")
        for name in (TRANSCRIPTIONS, TRANSLATIONS)
    ),
)

DIALECT = Dialect(
    name=NAME,
    operations=(*_OPERATIONS, *at_deployments(_OPERATIONS)),
    read_request=read_request,
    write_request=plain.write_request,
    render_error=render_error,
    render_stream_error=plain.write_error,
    read_answer=read_answer,
    open_stream=open_stream,
    weigh=weigh,
    cap_output=plain.cap_nothing,
    write_routes=plain.no_routes,
    write_route=plain.no_route,
    bases=("/openai", "/azure", "/azure/openai"),
    read_form=read_form,
    open_bytes=count_speech,
)
