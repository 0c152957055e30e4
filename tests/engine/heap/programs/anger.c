/* Threads and forks in anger: everything at once that makes an allocator's life hard, each block's content checked.
 *
 *      anger SECONDS       for so long, and until enough has happened, which takes longer on a busy machine; prints
 *                          "well" and ends with 0 when all was as it must be
 *
 * Two threads allocate and free. One opens, reads and closes streams and flushes all of them. One begins short threads,
 * which leave blocks to others, and whose thread-specific data is freed by a destructor. Two fork; a child allocates, frees
 * what its parent allocated, begins a thread of its own, and now and then becomes another program. A signal comes often.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(what) do { if (!(what)) { fprintf(stderr, "line %d: %s\n", __LINE__, #what); _exit(3); } } while (0)
#define BLOCKS 500

static struct timespec end;
static _Atomic(char *) left_behind[256]; /* by short threads, for anybody */
static pthread_key_t own;
static atomic_ulong threads_begun, children_ended, signals;

static int over(void)
{
    if (threads_begun <= 100 || children_ended <= 10 || signals <= 10)
        return 0;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}

static size_t some(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return *seed >> 33;
}

static size_t any_size(uint64_t *seed)
{
    size_t kind = some(seed) % 100;
    return 9 + some(seed) % (kind < 80 ? 500 : kind < 99 ? 20000 : 2000000);
}

/* A block tells its size, and each end what it should hold. */
static char *filled(size_t size)
{
    char *block = malloc(size);
    CHECK(block && (uintptr_t)block % 16 == 0);
    memcpy(block, &size, sizeof size);
    block[size - 1] = (char)(size * 31);
    return block;
}

static void emptied(char *block)
{
    size_t size;
    if (!block)
        return;
    memcpy(&size, block, sizeof size);
    CHECK(size >= 9 && size < 3000000 && block[size - 1] == (char)(size * 31));
    free(block);
}

static void some_work(uint64_t seed, int rounds)
{
    char *blocks[BLOCKS] = { NULL };
    for (int i = 0; i < rounds; i++) {
        char **block = &blocks[some(&seed) % BLOCKS];
        emptied(*block);
        *block = filled(any_size(&seed));
    }
    for (int i = 0; i < BLOCKS; i++)
        emptied(blocks[i]);
}

static void *allocates(void *seed)
{
    for (uint64_t i = (uintptr_t)seed; !over(); i++)
        some_work(i, 3000);
    return NULL;
}

static void *streams(void *unused)
{
    while (!over()) {
        FILE *file = fopen("/proc/self/maps", "r");
        char *line = NULL;
        size_t size = 0;
        CHECK(file);
        while (getline(&line, &size, file) > 0)
            ;
        free(line);
        fclose(file);
        fflush(NULL);
    }
    return unused;
}

static void *lives_shortly(void *seed)
{
    uint64_t state = (uintptr_t)seed;
    pthread_setspecific(own, filled(any_size(&state)));
    for (int i = 0; i < 20; i++)
        emptied(atomic_exchange(&left_behind[some(&state) % 256], filled(any_size(&state))));
    return NULL;
}

static void *begins_threads(void *unused)
{
    while (!over()) {
        pthread_t threads[16];
        for (int i = 0; i < 16; i++)
            CHECK(!pthread_create(&threads[i], NULL, lives_shortly, (void *)(uintptr_t)++threads_begun));
        for (int i = 0; i < 16; i++)
            CHECK(!pthread_join(threads[i], NULL));
    }
    return unused;
}

static void child(char *parents, uint64_t seed, char *program)
{
    signal(SIGALRM, SIG_IGN);
    emptied(parents);
    some_work(seed, 300);
    if (seed % 4 == 0) {
        pthread_t thread;
        CHECK(!pthread_create(&thread, NULL, lives_shortly, (void *)(uintptr_t)seed) && !pthread_join(thread, NULL));
    }
    if (seed % 8 == 1)
        execl(program, program, "0", NULL);
    if (seed % 8 == 2)
        exit(0); /* with handlers and streams */
    _exit(0);
}

static void *forks(void *program)
{
    for (uint64_t seed = 1; !over(); seed++) {
        char *given = filled(100 + seed % 5000);
        pid_t pid = fork();
        int status;
        if (pid == 0)
            child(given, seed, program);
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        if (status != 0) {
            fprintf(stderr, "a child ended with status %#x\n", status);
            _exit(4);
        }
        emptied(given);
        children_ended++;
    }
    return NULL;
}

static void at_signal(int number)
{
    (void)number;
    signals++;
}

int main(int count, char **words)
{
    CHECK(count == 2 && !pthread_key_create(&own, (void (*)(void *))emptied));
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += atoi(words[1]);
    if (!atoi(words[1]))
        return 0;
    struct sigaction action = { .sa_handler = at_signal, .sa_flags = SA_RESTART };
    struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    struct { void *(*body)(void *); void *argument; } all[] = {
        { allocates, (void *)1 }, { allocates, (void *)2 }, { streams, NULL }, { begins_threads, NULL },
        { forks, "/proc/self/exe" }, { forks, "/proc/self/exe" },
    };
    enum { COUNT = sizeof all / sizeof *all };
    pthread_t threads[COUNT];
    for (int i = 0; i < COUNT; i++)
        CHECK(!pthread_create(&threads[i], NULL, all[i].body, all[i].argument));
    for (int i = 0; i < COUNT; i++)
        CHECK(!pthread_join(threads[i], NULL));
    for (int i = 0; i < 256; i++)
        emptied(left_behind[i]);
    fprintf(stderr, "%lu threads, %lu children, %lu signals\n", threads_begun, children_ended, signals);
    return puts("well") < 0;
}
