"""How this dialect calls canonical fields, and what its own members weigh where they are lost."""

from __future__ import annotations

from hortus.canon.manifest import Vocabulary

VOCABULARY = Vocabulary(
    names={
        "RerankRequest.returns_documents": "return_documents",
        "RerankRequest.max_document_tokens": "max_tokens_per_doc",
        "RerankDocument.text": "",
        "RerankDocument.fields": "",
        "RerankResult.score": "relevance_score",
    },
    weights={
        "rank_fields": "meaning",
        "truncation": "tuning",
        "truncate": "tuning",
        "truncate_prompt_tokens": "tuning",
        "user": "advisory",
        "priority": "advisory",
        "documents[]": "meaning",
        "results[].document": "advisory",
    },
)
