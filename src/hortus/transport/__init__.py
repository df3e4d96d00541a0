"""The HTTP/1.1 client towards hosts: pooled connections, TLS, proxies, deadlines, flow control both ways."""
