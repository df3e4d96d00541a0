"""The lowest floor: ids, money, time, errors and secrets; no I/O."""
