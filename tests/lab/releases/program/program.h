/*
 * A stand-in for the panel's two programs, 1panel-core and 1panel-agent: one program that selects its role
 * by its name. It contains no panel, only the parts that a container image depends on: the source of its
 * parameters, its two databases, its sockets, and how it stops.
 *
 *   main.c      its role; the commands of 1panel-core
 *   service.c   what each of the two does when started
 *   settings.c  1pctl's parameters, the databases
 *   listen.c    sockets and minimal HTTP
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

/* Prints the reason to stderr, and exits with 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A parameter in the head of /usr/local/bin/1pctl; as in the real core, none may be empty. */
const char *parameter(const char *key);

/* core.db or agent.db, in the directory that 1pctl names. */
const char *database(const char *file);

/* Runs SQL on a database by Debian's sqlite3, whose stdout goes to `out`; false if it fails.
 * The script is written to its stdin, so that its content is not in an argument. */
bool sql(const char *database, char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A row of the table `settings`; empty if there is none, or no table. */
const char *setting(const char *database, const char *key);

/* A value that can be quoted in SQL. */
bool plain(const char *value);

int listen_on_port(int port);
int listen_on_socket(const char *path);

/* Answers requests until SIGTERM or SIGINT arrives, which main blocked. `respond` gets the requested path,
 * writes the body to `body`, and returns the status. */
void serve(int listener, int (*respond)(const char *path, char *body, size_t size));

/* The answer of Docker's socket to GET /version, in `body`; false if there is no answer. */
bool ask_docker(char *body, size_t size);

int run_core(void);
int run_agent(void);

#endif
