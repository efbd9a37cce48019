/* What 1panel-core and 1panel-agent do when started. */
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *core_db;

static void folder(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        fail("cannot make the folder %s", path);
}

static void make_folders(void)
{
    char path[512];
    for (const char *const *part = (const char *const[]){"", "/1panel", "/1panel/db", NULL}; *part; part++) {
        snprintf(path, sizeof path, "%s%s", parameter("BASE_DIR"), *part);
        folder(path);
    }
}

/* Newer data may have an unknown format. (The real panel does not check this; the check lets a test
 * detect a program that was not stopped in time.) */
static void refuse_newer(const char *db)
{
    int data[3], own[3];
    const char *found = setting(db, "SystemVersion");
    if (sscanf(found, "v%d.%d.%d", &data[0], &data[1], &data[2]) != 3 ||
        sscanf(version, "v%d.%d.%d", &own[0], &own[1], &own[2]) != 3)
        fail("%s has the version '%s', which is none", db, found);
    for (int i = 0; i < 3; i++) {
        if (data[i] > own[i])
            fail("the data in %s is of %s, and this is %s", db, found, version);
        if (data[i] < own[i])
            return;
    }
}

static void create(const char *db, const char *rows)
{
    char out[64];
    if (!sql(db, out, sizeof out,
             "BEGIN; CREATE TABLE IF NOT EXISTS settings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at DATETIME, "
             "updated_at DATETIME, key TEXT NOT NULL, value TEXT);"
             "INSERT INTO settings (key, value) VALUES ('SystemVersion', '%s'), ('SystemStatus', 'Free')%s; COMMIT;",
             version, rows))
        fail("%s was not created", db);
    printf("%s %s (%s, %s) made %s\n", name, version, edition, arch, db);
}

static int core_page(const char *path, char *body, size_t size)
{
    if (*path != '/' || strcmp(path + 1, setting(core_db, "SecurityEntrance")) != 0) {
        snprintf(body, size, "this panel has another entrance\n");
        return 404;
    }
    snprintf(body, size, "1Panel (a stand-in) %s\nedition: %s\narch: %s\n", setting(core_db, "SystemVersion"), edition, arch);
    return 200;
}

int run_core(void)
{
    const char *port = parameter("ORIGINAL_PORT"), *user = parameter("ORIGINAL_USERNAME");
    const char *password = parameter("ORIGINAL_PASSWORD"), *entrance = parameter("ORIGINAL_ENTRANCE");
    const char *language = parameter("LANGUAGE");
    if (!plain(port) || !plain(user) || !plain(password) || !plain(entrance) || !plain(language))
        fail("a parameter of 1pctl holds a quote");
    core_db = database("core.db");
    if (!*setting(core_db, "UserName")) {
        char rows[1024];
        make_folders();
        snprintf(rows, sizeof rows,
                 ", ('UserName', '%s'), ('Password', '%s'), ('ServerPort', '%s'), ('SecurityEntrance', '%s'), "
                 "('Language', '%s'), ('SSL', 'Disable')",
                 user, password, port, entrance, language);
        create(core_db, rows);
    }
    refuse_newer(core_db);
    const char *own = setting(core_db, "ServerPort");
    int listener = listen_on_port(atoi(own));
    printf("%s %s (%s, %s) listens on port %s\n", name, version, edition, arch, own);
    serve(listener, core_page);
    printf("%s stops\n", name);
    return 0;
}

static int agent_page(const char *path, char *body, size_t size)
{
    if (strcmp(path, "/docker") == 0)
        return ask_docker(body, size) ? 200 : 502;
    snprintf(body, size, "%s %s\n", name, version);
    return 200;
}

int run_agent(void)
{
    const char *db = database("agent.db");
    if (!*setting(db, "SystemVersion")) {
        make_folders();
        create(db, "");
    }
    refuse_newer(db);
    folder("/etc/1panel");
    int listener = listen_on_socket(AGENT_SOCKET);
    printf("%s %s (%s, %s) listens on %s\n", name, version, edition, arch, AGENT_SOCKET);
    serve(listener, agent_page);
    printf("%s stops\n", name);
    return 0;
}
