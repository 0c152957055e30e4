/* fork() at any moment: the child's heap is whole, and only its one thread's. */
#ifndef HELIOS_FORK_H
#define HELIOS_FORK_H
void fork_start(void);
#endif
