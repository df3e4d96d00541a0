/* A closed-loop load for the bench: each connection sends the next request when the last answer has ended.
 *
 * load PORT PATH KEY BODY_FILE CONNECTIONS SECONDS
 *
 * Prints one JSON line: answers, events (occurrences of "data:"), answers that were not 200, seconds, and latency
 * percentiles in milliseconds. Single thread, epoll, loopback only, bounded in time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1024, INPUT_SIZE = 1 << 17, MAX_SAMPLES = 1 << 21 };

struct connection {
    int fd, length, is_chunked, body_at;
    long wanted;
    double sent_at;
    char input[INPUT_SIZE];
};

static struct connection *connections;
static char *request;
static int request_length, poll_fd, port;
static long answers, events, bad;
static float *samples;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *what) { perror(what); exit(1); }

static void send_request(struct connection *c) {
    c->length = 0;
    c->body_at = 0;
    c->sent_at = now();
    if (write(c->fd, request, request_length) != request_length) fail("load: write");
}

static void open_connection(struct connection *c) {
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) fail("load: connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
    send_request(c);
}

static void count_events(const char *data, int length) {
    const char *end = data + length;
    while ((data = memmem(data, end - data, "data:", 5))) { events++; data += 5; }
}

/* Whether the answer in the buffer has ended. A stream's head is kept, its body is counted and thrown away. */
static int is_over(struct connection *c) {
    if (!c->body_at) {
        char *end = memmem(c->input, c->length, "\r\n\r\n", 4);
        if (!end) return 0;
        *end = 0;
        c->body_at = end + 4 - c->input;
        if (strncmp(c->input + 9, "200", 3)) bad++;
        c->is_chunked = strcasestr(c->input, "transfer-encoding: chunked") != NULL;
        char *declared = strcasestr(c->input, "\r\ncontent-length:");
        c->wanted = declared ? atol(declared + 17) : 0;
    }
    if (!c->is_chunked) return c->length - c->body_at >= c->wanted;
    int is_end = c->length - c->body_at >= 5 && !memcmp(c->input + c->length - 5, "0\r\n\r\n", 5);
    int kept = is_end ? 0 : 8; /* a mark may be split between two reads */
    int counted = c->length - c->body_at - kept;
    if (counted > 0) {
        count_events(c->input + c->body_at, counted + (kept ? 4 : 0));
        memmove(c->input + c->body_at, c->input + c->length - kept, kept);
        c->length = c->body_at + kept;
    }
    return is_end;
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void build_request(const char *path, const char *key, const char *file) {
    FILE *f = fopen(file, "rb");
    if (!f) fail(file);
    char *body = malloc(1 << 20);
    int n = fread(body, 1, 1 << 20, f);
    fclose(f);
    request = malloc(n + 1024);
    request_length = sprintf(request,
        "POST %s HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer %s\r\ncontent-type: application/json\r\n"
        "content-length: %d\r\n\r\n", path, key, n);
    memcpy(request + request_length, body, n);
    request_length += n;
    free(body);
}

int main(int argc, char **argv) {
    if (argc != 7) { fprintf(stderr, "usage: load PORT PATH KEY BODY_FILE CONNECTIONS SECONDS\n"); return 2; }
    signal(SIGPIPE, SIG_IGN);
    port = atoi(argv[1]);
    build_request(argv[2], argv[3], argv[4]);
    int count = atoi(argv[5]);
    if (count > MAX_CONNECTIONS) count = MAX_CONNECTIONS;
    double seconds = atof(argv[6]);
    connections = calloc(count, sizeof *connections);
    samples = malloc(sizeof *samples * MAX_SAMPLES);
    poll_fd = epoll_create1(0);
    double start = now();
    for (int i = 0; i < count; i++) open_connection(&connections[i]);
    struct epoll_event ready[256];
    while (now() - start < seconds) {
        int n = epoll_wait(poll_fd, ready, 256, 100);
        for (int i = 0; i < n; i++) {
            struct connection *c = ready[i].data.ptr;
            ssize_t got = read(c->fd, c->input + c->length, INPUT_SIZE - c->length);
            if (got <= 0) { /* the gateway closed: count it and go on */
                bad++;
                close(c->fd);
                open_connection(c);
                continue;
            }
            c->length += got;
            if (!is_over(c)) continue;
            if (answers < MAX_SAMPLES) samples[answers] = (now() - c->sent_at) * 1000;
            answers++;
            send_request(c);
        }
    }
    double elapsed = now() - start;
    long kept = answers < MAX_SAMPLES ? answers : MAX_SAMPLES;
    qsort(samples, kept, sizeof *samples, compare);
    printf("{\"answers\":%ld,\"events\":%ld,\"bad\":%ld,\"seconds\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", answers, events,
           bad, elapsed, kept ? samples[kept / 2] : 0, kept ? samples[kept * 99 / 100] : 0);
    return 0;
}
