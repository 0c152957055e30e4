/* The trace is written into a shared mapping of the file's end: what was written is in the file whatever becomes of the
 * program (exec, a signal, _exit), and no descriptor is open that the program could meet. */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "glibc.h"
#include "line.h"
#include "options.h"

#define WINDOW (1u << 20) /* bytes of the file that are mapped */
#define LONGEST_LINE 80

static const char heading[] = "# helios-heap trace of process";

static struct {
    pthread_mutex_t lock;
    bool opened, ended;
    char path[4096]; /* absolute */
    dev_t device;
    ino_t inode;
    char *window; /* NULL: nothing is traced */
    uint64_t offset; /* of the window in the file */
    size_t used;     /* of the window */
    struct line line;
} trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void say(const char *problem)
{
    struct line line = {0};
    line_text(&line, "helios-heap: the trace ");
    line_text(&line, options.trace);
    line_text(&line, " ");
    line_text(&line, problem);
    line_write(&line);
}

static bool stop_tracing(const char *problem)
{
    if (trace.window)
        munmap(trace.window, WINDOW);
    trace.window = NULL;
    trace.ended = true;
    __atomic_and_fetch(&root.observers, ~OBSERVE_TRACE, __ATOMIC_RELAXED);
    if (problem)
        say(problem);
    return false;
}

static bool map_window(int file, uint64_t offset)
{
    struct rlimit limit;
    if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur < offset + WINDOW)
        return stop_tracing("ends: a file can't be larger here (ulimit -f).");
    /* The blocks must be there: writing into a mapping that the disk has no room for is a SIGBUS. */
    if (posix_fallocate(file, (off_t)offset, WINDOW))
        return stop_tracing("ends: there is no room for more of it.");
    void *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
    if (window == MAP_FAILED)
        return stop_tracing("ends: it can't be mapped.");
    trace.window = window;
    trace.offset = offset;
    trace.used = 0;
    return true;
}

static pid_t process_in_heading(int file)
{
    char text[sizeof heading + 20] = "";
    if (pread(file, text, sizeof text - 1, 0) < (ssize_t)sizeof heading || memcmp(text, heading, sizeof heading - 1))
        return 0;
    pid_t process = 0;
    for (const char *digit = text + sizeof heading; *digit >= '0' && *digit <= '9'; digit++)
        process = process * 10 + (*digit - '0');
    return process;
}

/* Ours: it is empty, or of what this process was before exec. */
static bool take_file(int file)
{
    struct stat stat;
    if (file_status(file, &stat) || !S_ISREG(stat.st_mode))
        return stop_tracing("isn't made: that is no file.");
    trace.device = stat.st_dev;
    trace.inode = stat.st_ino;
    pid_t process = stat.st_size ? process_in_heading(file) : getpid();
    if (process == getpid())
        return !ftruncate(file, 0) || stop_tracing("isn't made: the file can't be emptied.");
    bool somebody_is_at_it = process > 0 && (kill(process, 0) == 0 || errno == EPERM);
    return stop_tracing(somebody_is_at_it ? NULL : "isn't made: there is a file of this name. Remove it, or name another.");
}

static void make_absolute(void)
{
    size_t length = 0;
    if (*options.trace != '/' && getcwd(trace.path, sizeof trace.path - options.trace_length - 1)) {
        length = strlen(trace.path);
        trace.path[length++] = '/';
    }
    memcpy(trace.path + length, options.trace, options.trace_length + 1);
}

static void begin(const char *operation)
{
    trace.line.length = 0;
    line_text(&trace.line, operation);
}

static void add_number(size_t number)
{
    line_text(&trace.line, " ");
    line_number(&trace.line, number);
}

static void add_address(const void *address)
{
    line_text(&trace.line, " ");
    line_address(&trace.line, (uintptr_t)address);
}

static void end(void)
{
    line_text(&trace.line, "\n");
    memcpy(trace.window + trace.used, trace.line.text, trace.line.length);
    trace.used += trace.line.length;
}

static bool open_trace(void)
{
    trace.opened = true;
    make_absolute();
    int file = open(trace.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (file < 0)
        return stop_tracing("isn't made: the file can't be opened.");
    bool ready = take_file(file) && map_window(file, 0);
    close(file);
    if (!ready)
        return false;
    begin(heading);
    add_number((size_t)getpid());
    end();
    return true;
}

/* The same file again, for a moment: between, nothing of it is open. -1: it is gone or another. */
static int reopen(void)
{
    struct stat stat;
    int file = open(trace.path, O_RDWR | O_CLOEXEC);
    if (file >= 0 && !file_status(file, &stat) && stat.st_dev == trace.device && stat.st_ino == trace.inode)
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

static bool next_window(void)
{
    uint64_t written = trace.offset + trace.used;
    int file = reopen();
    if (file < 0)
        return stop_tracing("ends: the file is gone.");
    munmap(trace.window, WINDOW);
    trace.window = NULL;
    size_t in_page = written % root.page_size;
    bool mapped = map_window(file, written - in_page);
    trace.used = in_page;
    close(file);
    return mapped;
}

bool trace_begin(void)
{
    if (!(__atomic_load_n(&root.observers, __ATOMIC_RELAXED) & OBSERVE_TRACE))
        return false;
    int kept = errno;
    pthread_mutex_lock(&trace.lock);
    bool ready = !trace.ended && (trace.opened ? trace.window != NULL : open_trace());
    if (ready && trace.used + LONGEST_LINE > WINDOW)
        ready = next_window();
    errno = kept;
    if (!ready)
        pthread_mutex_unlock(&trace.lock);
    return ready;
}

void trace_end(void)
{
    pthread_mutex_unlock(&trace.lock);
}

void trace_allocation(size_t size, const void *address)
{
    begin("a");
    add_number(size);
    add_address(address);
    end();
}

void trace_aligned(size_t alignment, size_t size, const void *address)
{
    begin("m");
    add_number(alignment);
    add_number(size);
    add_address(address);
    end();
}

void trace_reallocation(const void *old, size_t size, const void *address)
{
    begin("r");
    add_address(old);
    add_number(size);
    add_address(address);
    end();
}

void trace_free(const void *address)
{
    begin("f");
    add_address(address);
    end();
}

void trace_before_fork(void)
{
    pthread_mutex_lock(&trace.lock);
}

void trace_after_fork(bool child)
{
    if (child && trace.opened && !trace.ended)
        stop_tracing(NULL); /* the parent's trace goes on; the mapping is the child's no more */
    pthread_mutex_unlock(&trace.lock);
}

/* The file ends with the last line. A program that doesn't come here leaves zeros behind it. */
__attribute__((destructor)) static void cut_to_length(void)
{
    if (!(root.observers & OBSERVE_TRACE) || !try_mutex(&trace.lock))
        return;
    int file = trace.window ? reopen() : -1;
    if (file >= 0) {
        if (ftruncate(file, (off_t)(trace.offset + trace.used)) == 0)
            stop_tracing(NULL); /* what destructors after this one do isn't written */
        close(file);
    }
    pthread_mutex_unlock(&trace.lock);
}
