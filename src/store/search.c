#include "store/search.h"

#include "base/buf.h"

struct str search_pattern(struct arena *arena, struct str text)
{
    struct buf pattern = buf_new(arena, 2 * text.length + 2);
    buf_append_char(&pattern, '%');
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '%' || c == '_' || c == '!')
            buf_append_char(&pattern, '!');
        buf_append_char(&pattern, c);
    }
    buf_append_char(&pattern, '%');
    return buf_str(&pattern);
}
