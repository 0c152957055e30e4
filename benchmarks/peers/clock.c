/* What the containers of start.py run: it says when it began, by CLOCK_MONOTONIC in ns, which all namespaces share. */
#include <stdio.h>
#include <time.h>

int main(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return printf("%lld\n", now.tv_sec * 1000000000ll + now.tv_nsec) < 0;
}
