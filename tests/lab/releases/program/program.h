/*
 * Stands in for the panel's two programs, 1panel-core and 1panel-agent: one program that knows by its
 * name which of them it is. It holds no panel. What it has of one is what a container image has to
 * get right: where its parameters come from, what it keeps in its two databases, what it listens on,
 * how it stops.
 *
 *   main.c      who it is; the commands of 1panel-core
 *   service.c   what each of the two does when it is started
 *   settings.c  1pctl's parameters, the databases
 *   listen.c    sockets and the little HTTP there is
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#define AGENT_SOCKET "/etc/1panel/agent.sock"

extern char version[24]; /* v2.0.11 */
extern char edition[24]; /* pro or cn */
extern const char *const arch;
extern const char *name; /* 1panel-core or 1panel-agent */

/* Says why on stderr, and ends the program with 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A parameter in the head of /usr/local/bin/1pctl; as in the real core, none may be empty. */
const char *parameter(const char *key);

/* core.db or agent.db, below the folder that 1pctl names. */
const char *database(const char *file);

/* Runs SQL on a database by Debian's sqlite3, whose stdout goes to `out`; false when it fails.
 * The script is written to its stdin: what is in it is in no argument. */
bool sql(const char *database, char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A row of the table `settings`; empty when there is none, or no table. */
const char *setting(const char *database, const char *key);

/* A value that can stand between quotes in SQL. */
bool plain(const char *value);

int listen_on_port(int port);
int listen_on_socket(const char *path);

/* Answers requests until SIGTERM or SIGINT comes, which main blocked. `respond` gets the path that is
 * asked for, writes the body into `body`, and gives the status. */
void serve(int listener, int (*respond)(const char *path, char *body, size_t size));

/* What Docker's socket answers to GET /version, in `body`; false when nobody answers there. */
bool ask_docker(char *body, size_t size);

int run_core(void);
int run_agent(void);

#endif
