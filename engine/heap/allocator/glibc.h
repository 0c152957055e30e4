/* What we take from glibc under names and versions that old ones have as well, so that a library compiled on the host
 * also works in images with an older glibc (2.17 on). */
#ifndef HELIOS_GLIBC_H
#define HELIOS_GLIBC_H
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#endif

/* Moved from libpthread and libdl to libc in 2.34, with new versions. Weak: who has the old libc alone does without. */
__asm__(".symver pthread_key_create, pthread_key_create@" FIRST_VERSION);
__asm__(".symver pthread_setspecific, pthread_setspecific@" FIRST_VERSION);
__asm__(".symver dlsym, dlsym@" FIRST_VERSION);
__asm__(".symver pthread_mutex_trylock, pthread_mutex_trylock@" FIRST_VERSION);
extern int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) __attribute__((weak));
extern int pthread_setspecific(pthread_key_t key, const void *value) __attribute__((weak));

extern void *dlsym(void *library, const char *name) __attribute__((weak));
extern int pthread_mutex_trylock(pthread_mutex_t *mutex) __attribute__((weak));

/* False: somebody has it. */
static inline int try_mutex(pthread_mutex_t *mutex)
{
    return (pthread_mutex_trylock ? pthread_mutex_trylock(mutex) : pthread_mutex_lock(mutex)) == 0;
}

/* fstat() became a function in 2.33. */
static inline int file_status(int file, struct stat *status)
{
    return syscall(SYS_fstat, file, status);
}

/* pthread_atfork() itself is in a static part of the C library. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *library);

/* The lock of the list of all streams, which fork takes. */
extern void _IO_list_lock(void) __attribute__((weak));
extern void _IO_list_unlock(void) __attribute__((weak));
extern void _IO_list_resetlock(void) __attribute__((weak));
#endif
