// Sends prepared requests over many connections from one thread, so that measuring costs little of the machine that is measured.
//
// sender PORT KIND FILE CONNECTIONS COUNT RATE SECONDS
//
// FILE holds records: four bytes of length, the lowest first, and so many bytes. It ends after COUNT answers, after SECONDS, or when
// it is told to; 0 is no limit. What it did stands on standard output as JSON.
//
// send  each record is a request, answered before the next goes out on its connection. With a RATE requests are due so many a
//       second, and waits count from when they were due; otherwise each connection sends as soon as it may.
// drip  each connection sends the first record and then a byte a second, and is opened again when the other side ends it.
// pour  each connection sends the first record and then the second one again and again, and is opened again likewise.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_BYTES = 4096, EVENTS = 512, STATUSES = 600 };

typedef struct { const char *bytes; size_t count; } Record;
typedef struct {
    int fd;
    int is_busy;       // a request is on its way, or its answer is awaited
    size_t record, sent;
    double due;
    size_t got;
    char answer[ANSWER_BYTES + 1];
} Link;

static Record *records;
static size_t record_count;
static Link *links;
static size_t *idle, idle_count;   // places in links
static int link_count, poll_fd, timer_fd;
static struct sockaddr_in address;
static enum { SEND, DRIP, POUR } kind;
static size_t most, taken, answered, opened, ended;
static uint64_t bytes_sent;
static size_t statuses[STATUSES];
static float *waits;
static size_t wait_room;
static double rate, began;
static volatile sig_atomic_t is_over;

static void stop(int signal) { (void)signal; is_over = 1; }

static void die(const char *what) { perror(what); exit(1); }

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void read_records(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file), room = 0;
    rewind(file);
    unsigned char *bytes = malloc(size);
    if (!bytes || fread(bytes, 1, size, file) != size) die(path);
    fclose(file);
    for (size_t place = 0; place + 4 <= size;) {
        size_t count = bytes[place] | (size_t)bytes[place + 1] << 8 | (size_t)bytes[place + 2] << 16 | (size_t)bytes[place + 3] << 24;
        if (count > size - place - 4) break;
        if (record_count == room && !(records = realloc(records, (room = room ? room * 2 : 1024) * sizeof *records))) die("memory");
        records[record_count++] = (Record){(const char *)bytes + place + 4, count};
        place += 4 + count;
    }
    if (!record_count || (kind == POUR && record_count < 2)) { fprintf(stderr, "%s holds too few records\n", path); exit(1); }
}

static void connect_link(Link *link) {
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) die("socket");
    int yes = 1;
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(link->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) die("connect");
    link->sent = link->got = link->record = 0;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | (kind == POUR ? 0 : EPOLLET), .data.ptr = link};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, link->fd, &event) < 0) die("epoll_ctl");
    opened++;
}

static void reconnect(Link *link) {
    close(link->fd);
    ended++;
    connect_link(link);
}

// Writes what is left of a record. Returns 0 when the connection is gone.
static int push(Link *link) {
    const Record *record = &records[link->record];
    while (link->sent < record->count) {
        ssize_t count = send(link->fd, record->bytes + link->sent, record->count - link->sent, MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN || errno == ENOTCONN;
        link->sent += (size_t)count;
        bytes_sent += (uint64_t)count;
    }
    return 1;
}

static int is_finished(void) { return most && taken >= most; }

static void begin(Link *link, double due) {
    link->is_busy = 1;
    link->due = due;
    link->record = taken++ % record_count;
    link->sent = link->got = 0;
    if (!push(link)) {
        size_t record = link->record;
        reconnect(link);
        link->record = record;
    }
}

// Looks whether an answer is complete. Returns its status, or 0.
static int complete(Link *link) {
    link->answer[link->got] = 0;
    char *end = strstr(link->answer, "\r\n\r\n");
    if (!end) return 0;
    char *length = strcasestr(link->answer, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (link->got < (size_t)(end + 4 - link->answer) + body) return 0;
    int status = atoi(link->answer + 9);
    return status > 0 && status < STATUSES ? status : STATUSES - 1;
}

static void settle(Link *link, int status) {
    if (answered == wait_room && !(waits = realloc(waits, (wait_room = wait_room ? wait_room * 2 : 65536) * sizeof *waits))) die("memory");
    waits[answered++] = (float)((now() - link->due) * 1e3);
    statuses[status]++;
    link->is_busy = 0;
    int closes = strcasestr(link->answer, "\r\nconnection: close") != NULL;
    if (closes) reconnect(link);
    if (most && answered >= most) is_over = 1;
    if (rate > 0) idle[idle_count++] = (size_t)(link - links);
    else if (!is_finished()) begin(link, now());
}

// Reads. Returns 0 when the connection is gone.
static int pull(Link *link) {
    if (kind != SEND) link->got = 0;
    while (1) {
        if (link->got == ANSWER_BYTES) return 0;
        ssize_t count = recv(link->fd, link->answer + link->got, ANSWER_BYTES - link->got, 0);
        if (count < 0) return errno == EAGAIN || errno == ENOTCONN;
        if (count == 0) return 0;
        link->got += (size_t)count;
        if (kind != SEND) { link->got = 0; continue; }
        int status = link->is_busy ? complete(link) : 0;
        if (status) { settle(link, status); return 1; }
    }
}

static void pour(Link *link) {
    for (int turn = 0; turn < 4; turn++) {
        if (!push(link)) return reconnect(link);
        if (link->sent < records[link->record].count) return;
        link->record = 1;
        link->sent = 0;
    }
}

static void serve(Link *link, uint32_t events) {
    int fd = link->fd;
    int lives = pull(link);
    if (link->fd != fd) return;
    if (lives && kind == POUR && events & EPOLLOUT) return pour(link);
    if (lives) lives = kind == SEND && !link->is_busy ? 1 : push(link);
    if (lives) return;
    size_t record = link->record;
    reconnect(link);
    // A request whose connection ended before its answer is sent again, as senders do.
    if (kind == SEND) link->record = record;
}

static void arm(double at) {
    struct itimerspec time = {.it_value = {(time_t)at, (long)((at - (double)(time_t)at) * 1e9) + 1}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &time, NULL);
}

// Sends what is due, as far as a connection is free.
static void pace(void) {
    double time = now(), due = began + (double)taken / rate;
    while (!is_finished() && due <= time && idle_count) {
        begin(&links[idle[--idle_count]], due);
        due = began + (double)taken / rate;
    }
    if (!is_finished()) arm(due > time ? due : time + 1e-3);
}

static void drip(void) {
    for (int place = 0; place < link_count; place++) {
        Link *link = &links[place];
        if (link->sent < records[0].count) continue;
        if (send(link->fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN) reconnect(link);
    }
    arm(now() + 1);
}

static void report(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"seconds\": %.6f, \"cpu_seconds\": %.4f, \"opened\": %zu, \"ended\": %zu, \"bytes\": %llu, \"statuses\": {",
           now() - began, cpu, opened, ended, (unsigned long long)bytes_sent);
    const char *comma = "";
    for (int status = 0; status < STATUSES; status++)
        if (statuses[status]) { printf("%s\"%d\": %zu", comma, status, statuses[status]); comma = ", "; }
    printf("}, \"waits_ms\": [");
    for (size_t place = 0; place < answered; place++) printf("%s%.3f", place ? "," : "", (double)waits[place]);
    printf("]}\n");
}

int main(int count, char **words) {
    if (count != 8) { fprintf(stderr, "usage: sender PORT KIND FILE CONNECTIONS COUNT RATE SECONDS\n"); return 64; }
    kind = !strcmp(words[2], "drip") ? DRIP : !strcmp(words[2], "pour") ? POUR : SEND;
    read_records(words[3]);
    link_count = atoi(words[4]);
    most = strtoul(words[5], NULL, 10);
    rate = atof(words[6]);
    double seconds = atof(words[7]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event timer = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &timer);
    links = calloc((size_t)link_count, sizeof *links);
    idle = calloc((size_t)link_count, sizeof *idle);
    if (!links || !idle) die("memory");
    began = now();
    for (int place = 0; place < link_count; place++) {
        connect_link(&links[place]);
        if (kind != SEND) continue;
        if (rate > 0) idle[idle_count++] = (size_t)place;
        else if (!is_finished()) begin(&links[place], now());
    }
    if (kind == SEND && rate > 0) pace();
    if (kind == DRIP) arm(now() + 1);
    struct epoll_event events[EVENTS];
    while (!is_over && (!seconds || now() - began < seconds)) {
        int found = epoll_wait(poll_fd, events, EVENTS, 100);
        for (int place = 0; place < found && !is_over; place++) {
            if (events[place].data.ptr) { serve(events[place].data.ptr, events[place].events); continue; }
            uint64_t times;
            if (read(timer_fd, &times, sizeof times) < 0) continue;
            if (kind == DRIP) drip(); else pace();
        }
    }
    report();
    return 0;
}
