/* Sockets and minimal HTTP: one request per connection, one connection at a time. */
#include "program.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int listening(int fd, const struct sockaddr *address, socklen_t length, const char *where)
{
    int yes = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
        bind(fd, address, length) || listen(fd, 64))
        fail("cannot listen on %s", where);
    return fd;
}

int listen_on_port(int port)
{
    char where[32];
    snprintf(where, sizeof where, "port %d", port);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return listening(fd, (struct sockaddr *)&address, sizeof address, where);
}

static struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

int listen_on_socket(const char *path)
{
    struct sockaddr_un address = unix_address(path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return listening(fd, (struct sockaddr *)&address, sizeof address, path);
}

/* No client may block the program for longer. */
static void bounded(int fd)
{
    struct timeval limit = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static void answer(int client, int (*respond)(const char *, char *, size_t))
{
    char request[2048], path[256], body[2048] = "", head[256];
    size_t have = 0;
    ssize_t got;
    bounded(client);
    request[0] = '\0';
    while (!strstr(request, "\r\n\r\n") && have + 1 < sizeof request &&
           (got = read(client, request + have, sizeof request - 1 - have)) > 0) {
        have += (size_t)got;
        request[have] = '\0';
    }
    if (sscanf(request, "%*7s %255s", path) != 1)
        return;
    int status = respond(path, body, sizeof body);
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n",
                          status, status == 200 ? "OK" : "Not OK", strlen(body));
    if (write(client, head, (size_t)length) == length && write(client, body, strlen(body)) < 0)
        fprintf(stderr, "%s: an answer was not taken\n", name);
}

void serve(int listener, int (*respond)(const char *, char *, size_t))
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    struct pollfd wait[2] = {{.fd = listener, .events = POLLIN},
                             {.fd = signalfd(-1, &stop, SFD_CLOEXEC), .events = POLLIN}};
    while (poll(wait, 2, -1) > 0 && !wait[1].revents) {
        int client = accept(listener, NULL, NULL);
        if (client >= 0) {
            answer(client, respond);
            close(client);
        }
    }
}

bool ask_docker(char *body, size_t size)
{
    static const char request[] = "GET /version HTTP/1.0\r\nHost: docker\r\n\r\n";
    struct sockaddr_un address = unix_address("/var/run/docker.sock");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bounded(fd);
    size_t have = 0;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        write(fd, request, sizeof request - 1) == sizeof request - 1) {
        ssize_t got;
        while (have + 1 < size && (got = read(fd, body + have, size - 1 - have)) > 0)
            have += (size_t)got;
    }
    body[have] = '\0';
    close(fd);
    char *content = strstr(body, "\r\n\r\n");
    if (!content)
        return false;
    memmove(body, content + 4, strlen(content + 4) + 1);
    return true;
}
