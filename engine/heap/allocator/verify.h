/* A walk over the whole heap that looks at every promise of layout.h: for tests and the playground. */
#ifndef HELIOS_VERIFY_H
#define HELIOS_VERIFY_H
#include "root.h"

/* 0: all is as it should be; else the number of what was found wrong first, with a sentence in text[0 .. size). Other
 * threads should do nothing meanwhile: their caches are looked at, too. */
EXPORT int helios_check(char *text, size_t size);
#endif
