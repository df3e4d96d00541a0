"""What Hortus measures of itself: the tables of metrics and spans, the meters that count, the protocol of traces."""
