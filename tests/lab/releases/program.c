/*
 * Stands in for the panel's programs 1panel-core and 1panel-agent: it reports the version and
 * edition stamped into it and the architecture it was compiled for, and otherwise waits until it is
 * told to stop. It has no panel, no database and no network.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* pack.py writes over these in the compiled program, so that one compilation serves every version.
 * Volatile, or the compiler would copy the placeholders to where they are used. */
static volatile char version[24] = "@version@";
static volatile char edition[24] = "@edition@";

#if defined(__aarch64__)
#define ARCH "arm64"
#elif defined(__x86_64__)
#define ARCH "amd64"
#else
#error "the lab's releases are for amd64 and arm64"
#endif

static void copy(char to[24], const volatile char from[24])
{
    for (int i = 0; i < 24; i++)
        to[i] = from[i];
    to[23] = '\0';
}

int main(int argc, char **argv)
{
    char v[24], e[24];
    copy(v, version);
    copy(e, edition);

    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];

    if (argc == 2 && strcmp(argv[1], "version") == 0) {
        printf("1panel version: %s\nedition: %s\narch: %s\n", v, e, ARCH);
        return 0;
    }
    if (argc > 1) {
        fprintf(stderr, "%s: unknown command '%s': this stand-in knows only `version`\n", name, argv[1]);
        return 2;
    }

    /* Blocked before the first line is printed: whoever reads it may already send the signal. */
    sigset_t stop;
    int got;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    printf("%s %s (%s, %s) runs\n", name, v, e, ARCH);
    fflush(stdout);
    sigwait(&stop, &got);
    printf("%s stops\n", name);
    return 0;
}
