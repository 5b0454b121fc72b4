/* The system calls that a fresh boot reconciliation needs and no other: the tree that futo reconcile makes,
 * from the same files. No check of what is there, no message. usage: reconcile HOME SCAN GID LAUNCHER */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *home, *launcher;
static int scan, gid;
static char *report;
static size_t written;

static void must(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(111);
    }
}

static void put(int directory, const char *name, const char *text, size_t length, int mode)
{
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    must(file, name);
    if (length && write(file, text, length) != (ssize_t)length)
        must(-1, name);
    close(file);
}

static void delegate(int directory, const char *above)
{
    char name[64];
    snprintf(name, sizeof name, "%sevent", above);
    must(mkdirat(directory, name, 0700), name);
    snprintf(name, sizeof name, "%ssupervise", above);
    must(mkdirat(directory, name, 0710), name);
    must(fchownat(directory, name, -1, gid, 0), name);
    snprintf(name, sizeof name, "%ssupervise/control", above);
    must(mkfifoat(directory, name, 0620), name);
    must(fchownat(directory, name, -1, gid, 0), name);
}

static void publish(const char *profile, int is_root, int starts)
{
    static const char finish[] = "#!/bin/sh\n# written by futo reconcile (hermes); edits here are lost\n"
                                 "# 125: do not start it again\ncase \"$1\" in 0|78) exit 125 ;; esac\n";
    char staging[300], place[300], text[4096];
    snprintf(place, sizeof place, "gateway-%s", profile);
    snprintf(staging, sizeof staging, ".futo-new-%s", place);
    must(mkdirat(scan, staging, 0755), staging);
    int directory = openat(scan, staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(directory, staging);
    int length = snprintf(text, sizeof text, 
        "futo reconcile hermes\n0123456789abcdef\n\"%s/profiles\"\nroot\n1234\n", home);
    put(directory, ".futo", text, length, 0644);
    must(mkdirat(directory, "log", 0755), "log");
    length = snprintf(text, sizeof text,
        "{\"user\":\"hermes\",\"directory\":\"%s%s%s\",\"file\":\"gateway_state.json\","
        "\"key\":\"desired_state\",\"running\":\"running\"}\n",
        home, is_root ? "" : "/profiles/", is_root ? "" : profile);
    put(directory, ".wish", text, length, 0644);
    put(directory, "finish", finish, sizeof finish - 1, 0755);
    length = snprintf(text, sizeof text,
        "#!/bin/sh\n# written by futo reconcile (hermes); edits here are lost\n"
        "[ -p log/supervise/control ] && printf u 1<>log/supervise/control\n"
        "exec %s --user hermes --home %s --log - --chdir %s --env VIRTUAL_ENV=/opt/hermes/.venv "
        "--env 'PATH=/opt/hermes/.venv/bin:${PATH:-/usr/local/bin:/usr/bin:/bin}' --env HERMES_HOME=%s "
        "-- hermes %s%s%sgateway run\n",
        launcher, home, home, home, is_root ? "" : "-p ", is_root ? "" : profile, is_root ? "" : " ");
    put(directory, "run", text, length, 0755);
    length = snprintf(text, sizeof text,
        "#!/bin/sh\n# written by futo reconcile (hermes); edits here are lost\n"
        "exec %s --user hermes --home %s --log - -- sh -c 'mkdir -p -- \"$1\" && shift && exec \"$@\"' sh "
        "%s/logs/gateways/%s s6-log n10 s1000000 T %s/logs/gateways/%s\n",
        launcher, home, home, profile, home, profile);
    put(directory, "log/run", text, length, 0755);
    put(directory, "type", "longrun\n", 8, 0644);
    if (!starts) {
        put(directory, "down", "", 0, 0644);
        put(directory, "log/down", "", 0, 0644);
    }
    delegate(directory, "");
    delegate(directory, "log/");
    close(directory);
    must(renameat(scan, staging, scan, place), place);
}

static void one(int directory, const char *name, int is_root)
{
    char text[4096];
    const char *state = "None";
    int file = openat(directory, "gateway_state.json", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = 0;
    char *at = strstr(text, "\"gateway_state\": \"");
    if (at) {
        state = at + 18;
        char *end = strchr(state, '"');
        if (end)
            *end = 0;
    }
    int starts = !strcmp(state, "running");
    unlinkat(directory, "gateway.pid", 0);
    unlinkat(directory, "processes.json", 0);
    publish(name, is_root, starts);
    written += sprintf(report + written, "profile=%s prior_state=%s action=%s\n", name, state,
        starts ? "started" : "registered");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int count, char **words)
{
    if (count != 5)
        return 100;
    home = words[1];
    gid = atoi(words[3]);
    launcher = words[4];
    umask(0);
    report = malloc(8 << 20);
    scan = open(words[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(scan, words[2]);
    int volume = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(volume, home);
    one(volume, "default", 1);
    int profiles = openat(volume, "profiles", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(profiles, "profiles");
    char **names = malloc(100000 * sizeof *names);
    int found = 0;
    DIR *list = fdopendir(dup(profiles));
    for (struct dirent *entry; (entry = readdir(list));)
        if (entry->d_name[0] != '.')
            names[found++] = strdup(entry->d_name);
    closedir(list);
    qsort(names, found, sizeof *names, by_name);
    for (int index = 0; index < found; index++) {
        int directory = openat(profiles, names[index], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0)
            continue;
        if (!faccessat(directory, "SOUL.md", F_OK, 0))
            one(directory, names[index], 0);
        close(directory);
    }
    mkdirat(volume, "logs", 0755);
    int log = openat(volume, "logs/container-boot.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    must(log, "log");
    char stamp[64];
    time_t now = time(0);
    size_t width = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S+0000 ", gmtime(&now));
    for (int output = 0; output < 2; output++) {
        const char *start = output ? "reconcile: " : stamp;
        size_t start_length = output ? 11 : width, length = 0;
        char *page = malloc(written + 40 * (found + 1));
        for (char *line = report; line < report + written;) {
            char *end = strchr(line, '\n') + 1;
            memcpy(page + length, start, start_length);
            memcpy(page + length + start_length, line, end - line);
            length += start_length + (end - line);
            line = end;
        }
        must(write(output ? 1 : log, page, length), "write");
    }
    return 0;
}
