/* The least loop in C: run a program, wait, sleep so many seconds from its end; TERM leaves at once.
   Arguments: SECONDS PROGRAM [ARG…] */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

int main(int argc, char **argv)
{
    if (argc < 3)
        return 100;
    sigset_t handled, before;
    sigemptyset(&handled);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    sigaddset(&handled, SIGCHLD);
    sigprocmask(SIG_BLOCK, &handled, &before);
    double seconds = atof(argv[1]);
    struct timespec delay = { (time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9) };
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &before);
    for (;;) {
        pid_t pid;
        if (posix_spawn(&pid, argv[2], 0, &attributes, argv + 2, environ))
            return 111;
        for (siginfo_t info; waitpid(pid, 0, WNOHANG) != pid;)
            if (sigwaitinfo(&handled, &info) != SIGCHLD)
                return kill(pid, SIGTERM), 0;
        for (int signal; (signal = sigtimedwait(&handled, 0, &delay)) != -1 || errno != EAGAIN;)
            if (signal == SIGTERM || signal == SIGINT)
                return 0;
    }
}
