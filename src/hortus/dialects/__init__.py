"""Wire formats, one folder each; this is the registry, and nothing else is shared here."""

from __future__ import annotations

from hortus.canon.dialect import Dialect
from hortus.dialects.anthropic_batches import DIALECT as ANTHROPIC_BATCHES
from hortus.dialects.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from hortus.dialects.bedrock_converse import DIALECT as BEDROCK_CONVERSE
from hortus.dialects.bedrock_invoke import DIALECT as BEDROCK_INVOKE
from hortus.dialects.cohere_v2 import DIALECT as COHERE_V2
from hortus.dialects.gemini import DIALECT as GEMINI
from hortus.dialects.gemini_live import DIALECT as GEMINI_LIVE
from hortus.dialects.jina_rerank import DIALECT as JINA_RERANK
from hortus.dialects.mistral import DIALECT as MISTRAL
from hortus.dialects.mistral_batches import DIALECT as MISTRAL_BATCHES
from hortus.dialects.openai_audio import DIALECT as OPENAI_AUDIO
from hortus.dialects.openai_batches import DIALECT as OPENAI_BATCHES
from hortus.dialects.openai_chat import DIALECT as OPENAI_CHAT
from hortus.dialects.openai_files import DIALECT as OPENAI_FILES
from hortus.dialects.openai_fine_tuning import DIALECT as OPENAI_FINE_TUNING
from hortus.dialects.openai_images import DIALECT as OPENAI_IMAGES
from hortus.dialects.openai_moderations import DIALECT as OPENAI_MODERATIONS
from hortus.dialects.openai_realtime import DIALECT as OPENAI_REALTIME
from hortus.dialects.openai_responses import DIALECT as OPENAI_RESPONSES

DIALECTS: tuple[Dialect, ...] = (
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    ANTHROPIC_MESSAGES,
    GEMINI,
    BEDROCK_CONVERSE,
    BEDROCK_INVOKE,
    MISTRAL,
    COHERE_V2,
    OPENAI_AUDIO,
    OPENAI_IMAGES,
    JINA_RERANK,
    OPENAI_MODERATIONS,
    OPENAI_REALTIME,
    GEMINI_LIVE,
    OPENAI_FILES,
    OPENAI_BATCHES,
    OPENAI_FINE_TUNING,
    ANTHROPIC_BATCHES,
    MISTRAL_BATCHES,
)
"""The first one renders errors for paths that belong to none."""
