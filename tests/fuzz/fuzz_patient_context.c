/* Patient references: as they are, and as the content of a value that was sealed with the right key. */
#include "base/bsn.h"
#include "base/codec.h"
#include "base/rand.h"
#include "jose/gcm.h"
#include "sso/patient_context.h"

#include "fuzz.h"

#define NOW 1760000000
#define SLUG STR("zonnestraaltjes_ysis")

static void open_it(struct arena *arena, struct str text)
{
    const struct sso_connection connection = {
        .skew_s = 60,
        .context_keys =
            {{STR("ctx-2025-01"),
              STR("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13"
                  "\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f")}},
        .context_key_count = 1,
    };
    struct patient_context context;
    enum patient_context_result result = patient_context_open(arena, text, &connection, SLUG, NOW, &context);
    check(patient_context_rule(result) != NULL);
    if (result != PATIENT_CONTEXT_OK) {
        check(context.bsn.length == 0 && context.jti.length == 0);
        return;
    }
    check(bsn_is_valid(context.bsn) && context.jti.length > 0 && context.jti.length <= 128);
    check(context.issued_at >= NOW - 300 && context.issued_at <= NOW + 60);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready)
        is_ready = rand_init() == OK;
    check(is_ready);
    struct arena *arena = arena_new();
    struct str input = str_of(data, size), sealed;
    open_it(arena, input);
    unsigned char key[GCM_KEY_BYTES];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)i;
    if (gcm_seal(arena, str_of(key, sizeof key), SLUG, input, &sealed) == OK)
        open_it(arena, codec_base64url(arena, sealed));
    arena_free(&arena);
    return 0;
}
