#include "line.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void line_bytes(struct line *line, const char *text, size_t length)
{
    size_t room = LINE_BYTES - 1 - line->length; /* one for the end of the line */
    if (length > room)
        length = room;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

void line_text(struct line *line, const char *text)
{
    line_bytes(line, text, strlen(text));
}

static void digits(struct line *line, uint64_t number, unsigned base)
{
    char text[20];
    size_t first = sizeof text;
    do {
        text[--first] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    line_bytes(line, text + first, sizeof text - first);
}

void line_number(struct line *line, uint64_t number)
{
    digits(line, number, 10);
}

void line_address(struct line *line, uint64_t address)
{
    line_text(line, "0x");
    digits(line, address, 16);
}

void line_write(struct line *line)
{
    int kept = errno;
    line->text[line->length++] = '\n';
    ssize_t written;
    do
        written = write(STDERR_FILENO, line->text, line->length);
    while (written < 0 && errno == EINTR);
    errno = kept;
}
