/* The role of this program, and the commands of 1panel-core, which 1pctl forwards. */
#include "program.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* pack.py overwrites these in the compiled program, so that it is compiled once for all versions.
 * Volatile, because the compiler would otherwise inline the placeholders. */
static volatile char stamped_version[24] = "@version@";
static volatile char stamped_edition[24] = "@edition@";

#if defined(__aarch64__)
const char *const arch = "arm64";
#elif defined(__x86_64__)
const char *const arch = "amd64";
#else
#error "the lab's releases are for amd64 and arm64"
#endif

char version[24], edition[24];
const char *name;

_Noreturn void fail(const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    fprintf(stderr, "%s: ", name);
    vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    va_end(rest);
    exit(1);
}

static void copy(char to[24], const volatile char from[24])
{
    for (int i = 0; i < 24; i++)
        to[i] = from[i];
    to[23] = '\0';
}

static int user_info(void)
{
    const char *db = database("core.db");
    if (!*setting(db, "UserName"))
        fail("%s holds no user yet: the panel has not been started", db);
    printf("Panel address: http://$LOCAL_IP:%s/", setting(db, "ServerPort"));
    printf("%s\n", setting(db, "SecurityEntrance"));
    printf("Panel user: %s\n", setting(db, "UserName"));
    printf("Panel password: ********\nTo change it: 1pctl update password\n");
    return 0;
}

/* Like the real one, it prompts on stdin. */
static int update(const char *what)
{
    static const struct { const char *what, *key, *question; } known[] = {
        {"username", "UserName", "New user name"},
        {"password", "Password", "New password"},
        {"port", "ServerPort", "New port"},
    };
    char value[64], out[64];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(what, known[i].what) != 0)
            continue;
        printf("%s: ", known[i].question);
        fflush(stdout);
        if (!fgets(value, sizeof value, stdin) || !*strtok(value, "\n") || !plain(value))
            fail("that is no value for the %s", what);
        if (!sql(database("core.db"), out, sizeof out, "UPDATE settings SET value='%s' WHERE key='%s';",
                 value, known[i].key))
            fail("the %s was not changed", what);
        printf("changed\n");
        /* The other values are read again at every use. */
        return strcmp(what, "port") == 0 ? system("1pctl restart core") : 0;
    }
    fail("update knows username, password and port, not '%s'", what);
}

int main(int argc, char **argv)
{
    copy(version, stamped_version);
    copy(edition, stamped_edition);
    const char *slash = strrchr(argv[0], '/');
    name = slash ? slash + 1 : argv[0];

    if (argc > 2 && strcmp(argv[1], "-l") == 0) {
        argv += 2;
        argc -= 2;
    }
    if (argc == 2 && strcmp(argv[1], "version") == 0) {
        printf("1panel version: %s\nedition: %s\narch: %s\n", version, edition, arch);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "user-info") == 0)
        return user_info();
    if (argc == 3 && strcmp(argv[1], "update") == 0)
        return update(argv[2]);
    if (argc > 1)
        fail("unknown command '%s': this stand-in knows version, user-info and update", argv[1]);

    /* Blocked before the first line is printed: its reader may send the signal immediately. */
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    return strcmp(name, "1panel-agent") == 0 ? run_agent() : run_core();
}
