#define _GNU_SOURCE
#include "options.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"

#define LONGEST_SHOWN 200
#define HIGHEST_BASE 0x7f0000000000 /* above are stacks and libraries */

static const char known[] = "policy=best|first|next|worst, slabs=off, cache=off, check, events, trace=PATH, "
                            "base=0xADDRESS (a multiple of 0x400000), secret=0xNUMBER";

struct options options = {.slabs = true, .cache = true};

struct word {
    const char *text;
    size_t length;
};

static bool is(struct word word, const char *text)
{
    return word.length == strlen(text) && !memcmp(word.text, text, word.length);
}

/* Cuts "name=" off the front. */
static bool begins(struct word *word, const char *name)
{
    size_t length = strlen(name);
    if (word->length <= length || memcmp(word->text, name, length))
        return false;
    word->text += length;
    word->length -= length;
    return true;
}

static bool hexadecimal(struct word word, uint64_t *number)
{
    if (!begins(&word, "0x") || word.length > 16)
        return false;
    *number = 0;
    for (size_t i = 0; i < word.length; i++) {
        char digit = word.text[i] | 32; /* 'A' as 'a'; digits have the bit anyway */
        if (digit >= '0' && digit <= '9')
            *number = *number << 4 | (unsigned)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            *number = *number << 4 | (unsigned)(digit - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool read_policy(struct word word)
{
    static const char *const names[] = {"best", "first", "next", "worst"}; /* as enum heap_policy */
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (is(word, names[i])) {
            options.policy = i;
            return true;
        }
    return false;
}

static bool read_trace(struct word path)
{
    static char copy[PATH_MAX];
    if (path.length >= sizeof copy)
        return false;
    memcpy(copy, path.text, path.length);
    options.trace = copy;
    options.trace_length = path.length;
    return true;
}

static bool read_base(struct word word)
{
    options.has_base = hexadecimal(word, &options.base);
    return options.has_base && options.base && options.base % SEGMENT_UNIT == 0 && options.base < HIGHEST_BASE;
}

static bool read_word(struct word word)
{
    if (is(word, "slabs=off"))
        options.slabs = false;
    else if (is(word, "cache=off"))
        options.cache = false;
    else if (is(word, "check"))
        options.check = true;
    else if (is(word, "events"))
        options.events = true;
    else if (begins(&word, "policy="))
        return read_policy(word);
    else if (begins(&word, "trace="))
        return read_trace(word);
    else if (begins(&word, "base="))
        return read_base(word);
    else if (begins(&word, "secret="))
        return options.has_secret = hexadecimal(word, &options.secret);
    else
        return false;
    return true;
}

static void refuse(struct word word)
{
    struct line line = {0};
    line_text(&line, "helios-heap: HELIOS_HEAP has \"");
    for (size_t i = 0; i < word.length && i < LONGEST_SHOWN; i++) {
        bool shown = (unsigned char)word.text[i] >= ' ' && word.text[i] != 127;
        line_bytes(&line, shown ? &word.text[i] : "?", 1);
    }
    line_text(&line, "\"; known are ");
    line_text(&line, known);
    line_text(&line, ". Going on without any of it.");
    line_write(&line);
}

void options_read(void)
{
    const char *text = secure_getenv("HELIOS_HEAP");
    static const struct options defaults = {.slabs = true, .cache = true};
    options = defaults;
    while (text && *text) {
        struct word word = {text, strcspn(text, ",")};
        if (word.length && !read_word(word)) {
            refuse(word);
            options = defaults;
            return;
        }
        text += word.length;
        text += *text == ',';
    }
}
