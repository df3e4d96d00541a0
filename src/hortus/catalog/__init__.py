"""Makers, models, hosts, offers and prices as rows of data.

Adding to the catalog is adding a row; no Python changes:

- a maker: one row in `data/makers.toml` and a file `data/models/<maker>.toml` with at least one model;
- a model: one row in `data/models/<maker>.toml`;
- a host: one row in `data/hosts.toml`, with one `surfaces` table for each dialect that it speaks;
- an offer (this host serves this model): one line in `data/offers/<host>.toml`;
- a price that the `genai-prices` package lacks or has wrong: one row in `data/prices.toml`, never changed
  afterwards. A new price is a new row with a later `since`;
- what a host's prices have in common (a place that costs more, how many tokens a picture can count): one row of
  `terms` in the same file;
- what a currency is worth in another from a day on: one row in `data/rates.toml`.

Every row carries `source` and `as_of` (a file's `[defaults]` may hold them for all its rows). What no source
says stays absent; what a source says without being the maker's or host's own page gets `confidence = "reported"`.
`tests/catalog` proves each row complete and consistent.
"""
