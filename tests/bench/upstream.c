/* A host for the bench: answers POST requests at full speed on one core.
 *
 * upstream PORT DELAY_MS EVENTS
 *
 * A body that contains "stream":true is answered with EVENTS server-sent events, each its own chunk and its own
 * write(2), DELAY_MS apart, then a usage event and [DONE]; any other body with one JSON answer of about 1 kB.
 * Single thread, epoll, loopback only.
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

enum { MAX_CONNECTIONS = 4096, INPUT_SIZE = 1 << 16 };

struct connection {
    char *input;
    int length;
    int next_event; /* -1: no stream runs */
    double due;
};

static struct connection connections[MAX_CONNECTIONS];
static char answer[4096], stream_head[256], content_event[1024], usage_event[1024];
static int answer_length, stream_head_length, content_length, usage_length, events;
static double delay_s;
static const char stream_end[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void drop(int fd) {
    close(fd);
    free(connections[fd].input);
    connections[fd] = (struct connection){.next_event = -1};
}

static int send_all(int fd, const char *data, int length) {
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EAGAIN) { usleep(50); continue; }
        if (n <= 0) { drop(fd); return -1; }
        data += n;
        length -= n;
    }
    return 0;
}

static int chunk(char *target, const char *json) {
    char frame[900];
    int n = snprintf(frame, sizeof frame, "data: %s\n\n", json);
    return sprintf(target, "%x\r\n%s\r\n", n, frame);
}

static void prepare(void) {
    char text[800], body[2048];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    int n = snprintf(body, sizeof body,
        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1795000000,\"model\":\"bench\",\"choices\":"
        "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}],"
        "\"usage\":{\"prompt_tokens\":57,\"completion_tokens\":101,\"total_tokens\":158}}", text);
    answer_length = sprintf(answer, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", n, body);
    stream_head_length = sprintf(stream_head,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    content_length = chunk(content_event,
        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1795000000,\"model\":\"bench\","
        "\"system_fingerprint\":\"fp_0000000000\",\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"delta\":"
        "{\"content\":\" word\"},\"logprobs\":null,\"finish_reason\":null}]}");
    usage_length = chunk(usage_event,
        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1795000000,\"model\":\"bench\","
        "\"choices\":[],\"usage\":{\"prompt_tokens\":57,\"completion_tokens\":100,\"total_tokens\":157}}");
}

/* Sends what is due of a stream; without a delay all of it. */
static void advance(int fd, double time) {
    struct connection *c = &connections[fd];
    while (c->next_event >= 0 && (delay_s == 0 || c->due <= time)) {
        if (c->next_event < events) {
            if (send_all(fd, content_event, content_length)) return;
            c->next_event++;
            c->due += delay_s;
        } else {
            if (send_all(fd, usage_event, usage_length)) return;
            if (send_all(fd, stream_end, sizeof stream_end - 1)) return;
            c->next_event = -1;
        }
    }
}

static void on_input(int fd) {
    struct connection *c = &connections[fd];
    if (!c->input) c->input = malloc(INPUT_SIZE);
    ssize_t n = read(fd, c->input + c->length, INPUT_SIZE - 1 - c->length);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { drop(fd); return; }
    c->length += n;
    c->input[c->length] = 0;
    char *body = strstr(c->input, "\r\n\r\n");
    if (!body) return;
    body += 4;
    char *declared = strcasestr(c->input, "\r\ncontent-length:");
    int wanted = declared ? atoi(declared + 17) : 0;
    if (c->length - (body - c->input) < wanted) return;
    c->length = 0;
    if (strstr(body, "\"stream\":true")) {
        if (send_all(fd, stream_head, stream_head_length)) return;
        c->next_event = 0;
        c->due = now() + delay_s;
        advance(fd, now());
    } else {
        send_all(fd, answer, answer_length);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) { fprintf(stderr, "usage: upstream PORT DELAY_MS EVENTS\n"); return 2; }
    signal(SIGPIPE, SIG_IGN);
    delay_s = atof(argv[2]) / 1000;
    events = atoi(argv[3]);
    prepare();
    for (int i = 0; i < MAX_CONNECTIONS; i++) connections[i].next_event = -1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) { perror("upstream"); return 1; }
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poll, ready, 256, delay_s > 0 ? 1 : -1);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.fd != listener) { on_input(ready[i].data.fd); continue; }
            int fd;
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (fd >= MAX_CONNECTIONS) { close(fd); continue; }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
            }
        }
        if (delay_s > 0) {
            double time = now();
            for (int fd = 0; fd < MAX_CONNECTIONS; fd++) if (connections[fd].next_event >= 0) advance(fd, time);
        }
    }
}
