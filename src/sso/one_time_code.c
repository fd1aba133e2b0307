#include "sso/one_time_code.h"

#include "base/buf.h"
#include "base/codec.h"
#include "store/session.h"

#include <inttypes.h>

#define PLAIN_MAX ((size_t)16384)

struct str one_time_code_make(const struct professional *door, struct arena *arena, const char *context,
                              struct str content, int64_t expires_at)
{
    struct buf plain = buf_new(arena, PLAIN_MAX);
    buf_printf(&plain, "%" PRId64 "\n", expires_at);
    buf_append(&plain, content);
    return codec_base64url(arena, vault_seal(door->vault, arena, context, buf_str(&plain)));
}

enum outcome one_time_code_open(const struct professional *door, struct arena *arena, const char *context,
                                struct str code, int64_t now, struct one_time_code *out_code)
{
    struct str sealed, plain, expiry;
    int64_t expires_at;
    if (code.length > 2 * PLAIN_MAX || codec_base64url_decode(arena, code, &sealed) != OK ||
        vault_open(door->vault, arena, context, sealed, &plain) != OK ||
        !str_split_next(&plain, '\n', &expiry) || str_to_int64(expiry, &expires_at) != OK ||
        now >= expires_at)
        return ABSENT;
    *out_code = (struct one_time_code){plain, expires_at, codec_sha256(arena, sealed)};
    return OK;
}

enum outcome one_time_code_use(const struct professional *door, const char *context,
                               const struct one_time_code *code, int64_t now)
{
    return replay_take(door->store, context, code->digest, code->expires_at, now);
}

enum outcome one_time_code_was_used(const struct professional *door, const char *context,
                                    const struct one_time_code *code)
{
    return replay_find(door->store, context, code->digest);
}
