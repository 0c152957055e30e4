/* What a command and all that it waited for used: started from here, a small process, because a child begins its life
 * with the peak memory of the process that it was forked from (getrusage(2)), and Python's is tens of megabytes.
 *
 *      usage RESULT LIBRARY COMMAND [ARGUMENT…]
 *
 * LIBRARY is preloaded into the command; "" for none. The command does not outlive this process. RESULT gets a line:
 * seconds of processor time, seconds by the clock, peak resident KiB of the largest process. The exit status is the
 * command's, 128 + N for signal N.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **words)
{
    if (count < 4)
        return 125;
    double begin = seconds();
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (*words[2])
            setenv("LD_PRELOAD", words[2], 1);
        execvp(words[3], words + 3);
        perror(words[3]);
        _exit(127);
    }
    struct rusage used;
    int status;
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        return 125;
    double elapsed = seconds() - begin;
    double processor = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
                     + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    FILE *result = fopen(words[1], "w");
    if (!result || fprintf(result, "%.6f %.6f %ld\n", processor, elapsed, used.ru_maxrss) < 0 || fclose(result))
        return 125;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
