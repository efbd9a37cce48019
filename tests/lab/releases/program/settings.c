/* 1pctl's parameters, and the databases, through Debian's sqlite3. */
#define _GNU_SOURCE
#include "program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CTL "/usr/local/bin/1pctl"

const char *parameter(const char *key)
{
    size_t length = strlen(key);
    char line[512];
    FILE *file = fopen(CTL, "r");
    if (!file)
        fail("cannot read " CTL);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) != 0 || line[length] != '=')
            continue;
        char *value = line + length + 1;
        value[strcspn(value, "=\n")] = '\0';
        fclose(file);
        if (!*value)
            break;
        return strdup(value);
    }
    fail("no `%s` in " CTL, key);
}

const char *database(const char *file)
{
    char *path;
    if (asprintf(&path, "%s/1panel/db/%s", parameter("BASE_DIR"), file) < 0)
        fail("no memory");
    return path;
}

bool sql(const char *database, char *out, size_t size, const char *format, ...)
{
    int to[2], from[2];
    char script[4096];
    va_list rest;
    va_start(rest, format);
    int length = vsnprintf(script, sizeof script, format, rest);
    va_end(rest);
    if (length < 0 || (size_t)length >= sizeof script || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
        fail("cannot prepare a query");

    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        dup2(to[0], 0);
        dup2(from[1], 1);
        execlp("sqlite3", "sqlite3", "-batch", "-bail", "-cmd", ".timeout 5000", database, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    /* Less than the buffer of a pipe: it cannot block. */
    bool written = child > 0 && write(to[1], script, (size_t)length) == length;
    close(to[1]);
    size_t have = 0;
    ssize_t got;
    while (have + 1 < size && (got = read(from[0], out + have, size - 1 - have)) > 0)
        have += (size_t)got;
    out[have] = '\0';
    close(from[0]);
    int status = 0;
    return written && waitpid(child, &status, 0) == child && status == 0;
}

const char *setting(const char *database, const char *key)
{
    char out[256];
    if (access(database, R_OK) != 0)
        return "";
    if (!sql(database, out, sizeof out, "SELECT count(*) FROM sqlite_master WHERE name='settings';"))
        fail("%s is no database that can be read", database);
    if (*out != '1')
        return "";
    if (!sql(database, out, sizeof out, "SELECT value FROM settings WHERE key='%s';", key))
        fail("%s cannot be read", database);
    out[strcspn(out, "\n")] = '\0';
    return strdup(out);
}

bool plain(const char *value)
{
    return !strpbrk(value, "'\"\\\n");
}
