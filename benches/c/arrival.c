/* How long it takes until a line that is written to stdout is in a file: nanoseconds, one a line, to TIMES.
   Before each measured line there is a pause, and then BEFORE lines in quick succession, 200 microseconds apart.
   Arguments: FILE STAMP SAMPLES BEFORE TIMES; STAMP is how many bytes a logger puts before each line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE = 5000000, GAP = 200000, LOOK = 10000, LENGTH = 100 };

static char line[LENGTH];

static void pause_for(long nanoseconds)
{
    struct timespec time = {0, nanoseconds};
    nanosleep(&time, NULL);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long size_of(const char *file)
{
    struct stat status;
    return stat(file, &status) ? 0 : (long long)status.st_size;
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 100;
    long long added = LENGTH + atoll(argv[2]);
    int samples = atoi(argv[3]), before = atoi(argv[4]);
    FILE *times = fopen(argv[5], "w");
    if (!times)
        return 111;
    prctl(PR_SET_TIMERSLACK, 1);
    memset(line, 'x', LENGTH - 1);
    line[LENGTH - 1] = '\n';
    long long expected = size_of(argv[1]);
    for (int sample = 0; sample < samples; sample++) {
        while (size_of(argv[1]) < expected)
            pause_for(LOOK);
        pause_for(PAUSE);
        for (int each = 0; each < before; each++) {
            if (write(1, line, LENGTH) != LENGTH)
                return 111;
            expected += added;
            pause_for(GAP);
        }
        long long start = now();
        if (write(1, line, LENGTH) != LENGTH)
            return 111;
        expected += added;
        while (size_of(argv[1]) < expected)
            pause_for(LOOK);
        fprintf(times, "%lld\n", now() - start);
    }
    return fclose(times) ? 111 : 0;
}
