/* Where code comes from, for people: the program or library and the offset in it, which addr2line understands. */
#ifndef HELIOS_CODE_H
#define HELIOS_CODE_H
#include "line.h"

/* "0x55e0c3a4 (/usr/bin/thing+0x13a4)"; without the file where /proc/self/maps doesn't tell. */
void line_code(struct line *line, uint64_t address);
#endif
