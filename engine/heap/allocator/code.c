#define _GNU_SOURCE
#include "code.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static uint64_t hexadecimal(const char **text)
{
    uint64_t number = 0;
    for (;; ++*text) {
        char digit = **text;
        if (digit >= '0' && digit <= '9')
            number = number << 4 | (unsigned)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            number = number << 4 | (unsigned)(digit - 'a' + 10);
        else
            return number;
    }
}

/* "7f00-7f80 r-xp 00001000 08:01 1234   /usr/lib/libthing.so": adds file and offset if the address lies in it. */
static bool add_if_within(struct line *line, const char *mapping, uint64_t address)
{
    const char *at = mapping;
    uint64_t first = hexadecimal(&at);
    at += *at == '-';
    uint64_t end = hexadecimal(&at);
    if (address < first || address >= end)
        return false;
    const char *path = strchr(at, '/');
    at += strcspn(at + (*at == ' '), " ") + 1; /* to the space after the permissions */
    at += *at == ' ';
    uint64_t offset = hexadecimal(&at);
    if (path) {
        line_text(line, " (");
        line_text(line, path);
        line_text(line, "+");
        line_address(line, address - first + offset);
        line_text(line, ")");
    }
    return true;
}

void line_code(struct line *line, uint64_t address)
{
    line_address(line, address);
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (maps < 0)
        return;
    char text[4096];
    size_t have = 0;
    ssize_t got;
    bool found = false;
    while (!found && (got = read(maps, text + have, sizeof text - 1 - have)) > 0) {
        have += (size_t)got;
        text[have] = 0;
        char *mapping = text, *end;
        for (; !found && (end = strchr(mapping, '\n')); mapping = end + 1) {
            *end = 0;
            found = add_if_within(line, mapping, address);
        }
        have -= (size_t)(mapping - text);
        memmove(text, mapping, have);
        if (have == sizeof text - 1) /* a path as long as this: not ours */
            have = 0;
    }
    close(maps);
}
