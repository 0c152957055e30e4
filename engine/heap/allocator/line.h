/* A line of text, put together and written without malloc and stdio. What is too long is cut. */
#ifndef HELIOS_LINE_H
#define HELIOS_LINE_H
#include <stddef.h>
#include <stdint.h>

#define LINE_BYTES 1024

struct line {
    size_t length;
    char text[LINE_BYTES];
};

void line_text(struct line *line, const char *text);
void line_bytes(struct line *line, const char *text, size_t length);
void line_number(struct line *line, uint64_t number);
void line_address(struct line *line, uint64_t address); /* 0x7f… */

/* Ends the line and writes it to stderr in one call, so that lines of several threads don't mix. */
void line_write(struct line *line);
#endif
