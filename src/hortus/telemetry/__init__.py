"""What Hortus measures of itself: the table of metrics, and the meters that count them."""
