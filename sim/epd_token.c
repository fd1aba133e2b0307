/*
 * What the issuer says about a professional: the ID token, and userinfo nested under `attributes` as Apereo
 * CAS does (spec 7.4). Faults and shapes are applied here.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/rand.h"
#include "epd.h"

#include <stdlib.h>

#define LIFETIME_S 300
#define CODE_MANY 2000
#define CODE_FRESH_LOW 5000
#define TEXT_BYTES_MAX ((size_t)4096)

bool epd_has_fault(const json_t *object, const char *key)
{
    return strcmp(page_text(object, "fault"), key) == 0;
}

/* ---- locations ---- */

static json_t *location_list(const struct staff_member *member)
{
    json_t *list = json_array();
    for (size_t i = 0; member->locations[i]; i++)
        json_array_append_new(list, json_string(member->locations[i]));
    return list;
}

static json_t *numbered_list(int count)
{
    struct arena *arena = arena_new();
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_string(arena_printf(arena, "L%04d", i)));
    arena_free(&arena);
    return list;
}

static json_t *shaped_items(const struct staff_member *member, bool are_objects)
{
    json_t *list = json_array();
    for (size_t i = 0; member->locations[i]; i++) {
        const char *location = member->locations[i];
        json_array_append_new(list, are_objects ? json_pack("{s:s, s:s}", "id", location, "naam",
                                                            staff_location_name(str_from_c(location)))
                                                : json_integer(strtoll(location, NULL, 10)));
    }
    return list;
}

static json_t *joined(const struct staff_member *member, bool is_json)
{
    struct arena *arena = arena_new();
    struct buf text = buf_new(arena, TEXT_BYTES_MAX);
    buf_append_c(&text, is_json ? "[" : "");
    for (size_t i = 0; member->locations[i]; i++)
        buf_printf(&text, is_json ? "%s\"%s\"" : "%s%s",
                   i == 0    ? ""
                   : is_json ? ","
                             : ";",
                   member->locations[i]);
    buf_append_c(&text, is_json ? "]" : "");
    json_t *value = json_stringn(text.data ? text.data : "", text.length);
    arena_free(&arena);
    return value;
}

/* The claim's value; NULL = it is not sent. */
static json_t *locations(const struct staff_member *member, struct str shape)
{
    if (member->is_claim_absent || str_equal_c(shape, "absent") || str_equal_c(shape, "overage"))
        return NULL;
    if (str_equal_c(shape, "numbers"))
        return shaped_items(member, false);
    if (str_equal_c(shape, "objects"))
        return shaped_items(member, true);
    if (str_equal_c(shape, "text"))
        return json_string(member->locations[0] ? member->locations[0] : "");
    if (str_equal_c(shape, "delimited"))
        return joined(member, false);
    if (str_equal_c(shape, "json_text"))
        return joined(member, true);
    if (str_equal_c(shape, "many"))
        return numbered_list(CODE_MANY);
    if (str_equal_c(shape, "too_many"))
        return numbered_list(CODE_MANY + 1);
    if (str_equal_c(shape, "object"))
        return json_pack("{s:s}", "oost", "1201");
    if (str_equal_c(shape, "empty"))
        return json_array();
    json_t *list = location_list(member);
    if (str_equal_c(shape, "fresh"))
        json_array_append_new(list, json_sprintf("%u", CODE_FRESH_LOW + rand_below(100000000)));
    return list;
}

static void put_locations(json_t *claims, const struct staff_member *member, struct str shape)
{
    json_t *value = locations(member, shape);
    if (value)
        json_object_set_new(claims, "locaties", value);
    if (str_equal_c(shape, "overage")) {
        json_object_set_new(claims, "_claim_names", json_pack("{s:s}", "locaties", "src1"));
        json_object_set_new(
            claims, "_claim_sources",
            json_pack("{s:{s:s}}", "src1", "endpoint", "https://epd.example/locaties/van/mij"));
    }
}

static void put_attributes(json_t *claims, const struct staff_member *member)
{
    json_object_set_new(claims, "name", json_sprintf("%s %s", member->given_name, member->family_name));
    json_object_set_new(claims, "given_name", json_string(member->given_name));
    json_object_set_new(claims, "family_name", json_string(member->family_name));
    json_object_set_new(claims, "email", json_string(member->email));
    json_object_set_new(claims, "preferred_username", json_string(member->id));
    json_object_set_new(claims, "personeelsnummer", json_string(member->number));
}

/* ---- ID token ---- */

/* Lays `patch` over `object`: a null takes the member out. Seconds from now when `now` is not 0. */
static void apply(json_t *object, const char *patch, int64_t now)
{
    if (!patch)
        return;
    json_t *changes = json_loads(patch, 0, NULL);
    const char *name;
    json_t *value;
    json_object_foreach(changes, name, value)
    {
        if (json_is_null(value))
            json_object_del(object, name);
        else if (now != 0)
            json_object_set_new(object, name, json_integer(now + json_integer_value(value)));
        else
            json_object_set(object, name, value);
    }
    json_decref(changes);
}

static json_t *id_token_claims(const struct sim *sim, struct arena *arena, const json_t *grant,
                               const struct staff_member *member, struct str access_token)
{
    int64_t now = clock_now();
    struct str half = str_slice(codec_sha256(arena, access_token), 0, DIGEST_BYTES / 2);
    struct str at_hash = codec_base64url(arena, half);
    struct str shape = str_from_c(page_text(grant, "shape"));
    json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:O, s:s, s:s, s:s, s:[s,s], s:s%}", //
                               "iss", epd_issuer(sim, arena),                                       //
                               "sub", member->subject,                                              //
                               "aud", page_text(grant, "client"),                                   //
                               "azp", page_text(grant, "client"),                                   //
                               "iat", (json_int_t)now,                                              //
                               "exp", (json_int_t)(now + LIFETIME_S),                               //
                               "auth_time", json_object_get(grant, "auth_time"),                    //
                               "sid", page_text(grant, "sid"),                                      //
                               "jti", rand_uuid4_in(arena),                                         //
                               "acr", "urn:simulator:epd:twee-factoren",                            //
                               "amr", "pwd", "otp",                                                 //
                               "at_hash", at_hash.data, at_hash.length);
    if (!claims)
        abort();
    if (*page_text(grant, "nonce"))
        json_object_set(claims, "nonce", json_object_get(grant, "nonce"));
    put_attributes(claims, member);
    if (!str_equal_c(shape, "userinfo"))
        put_locations(claims, member, shape);
    return claims;
}

/* Signed by somebody whose key is in the header and nowhere else. */
static enum outcome sign_as_stranger(const json_t *claims, struct arena *arena, struct str *out_token,
                                     struct failure *failure)
{
    struct forge_key *stranger;
    if (forge_key_new(&stranger, failure) != OK)
        return FAILED;
    json_t *header = json_pack("{s:s, s:s, s:s, s:o}", "alg", "RS256", "typ", "JWT", "kid",
                               forge_key_id(stranger), "jwk", forge_key_public(stranger));
    enum outcome outcome = forge_sign(stranger, header, claims, arena, out_token);
    json_decref(header);
    forge_key_free(&stranger);
    return outcome;
}

/* Faults that are done to the finished text. */
static struct str spoil(struct arena *arena, const json_t *grant, struct str token)
{
    if (epd_has_fault(grant, "encrypted"))
        return str_from_c("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAA");
    size_t first = str_find(token, '.');
    size_t second = first + 1 + str_find(str_slice(token, first + 1, token.length), '.');
    if (epd_has_fault(grant,
                      "alg_none")) /* something in the place of a signature, so that the form is right */
        return str_from_c(arena_printf(arena, "%.*sAAAA", STR_ARG(token)));
    if (epd_has_fault(grant, "two_parts"))
        return str_slice(token, 0, second);
    if (epd_has_fault(grant, "signature")) {
        struct str copy = str_copy(arena, token);
        char *text = arena_alloc(arena, copy.length);
        memcpy(text, copy.data, copy.length);
        text[second + 10] = text[second + 10] == 'A' ? 'B' : 'A';
        return str_of(text, copy.length);
    }
    return token;
}

enum outcome epd_id_token(const struct sim *sim, struct arena *arena, const json_t *grant,
                          struct str access_token, struct str *out_token, struct failure *failure)
{
    enum outcome outcome;
    const struct staff_member *member = staff_find_member(str_from_c(page_text(grant, "member")));
    const struct fault *fault = fault_find(str_from_c(page_text(grant, "fault")));
    if (!member)
        return failure_set(failure, "nobody is logged in");
    json_t *claims = id_token_claims(sim, arena, grant, member, access_token);
    json_t *header = json_pack("{s:s}", "typ", "JWT");
    if (fault && fault->stage == FAULT_ID_TOKEN) {
        apply(header, fault->header, 0);
        apply(claims, fault->claims, 0);
        apply(claims, fault->times, clock_now());
    }
    if (epd_has_fault(grant, "aud_more"))
        json_object_set_new(claims, "aud",
                            json_pack("[s,s]", page_text(grant, "client"), "andere-toepassing"));
    if (epd_has_fault(grant, "jwk"))
        outcome = sign_as_stranger(claims, arena, out_token, failure);
    else
        outcome = epd_sign(sim->epd, header, claims, arena, out_token);
    if (outcome == OK)
        *out_token = spoil(arena, grant, *out_token);
    else
        failure_set(failure, "the ID token could not be signed");
    json_decref(header);
    json_decref(claims);
    return outcome;
}

/* ---- userinfo ---- */

json_t *epd_userinfo(const json_t *grant)
{
    const struct staff_member *member = staff_find_member(str_from_c(page_text(grant, "member")));
    if (!member || epd_has_fault(grant, "userinfo_array"))
        return json_array();
    const char *subject = epd_has_fault(grant, "userinfo_sub") ? "u-9999" : member->subject;
    json_t *attributes = json_object();
    put_attributes(attributes, member);
    put_locations(attributes, member, str_from_c(page_text(grant, "shape")));
    return json_pack("{s:s, s:s, s:s, s:O, s:s, s:o}", "sub", subject, "id", subject, "client_id",
                     page_text(grant, "client"), "auth_time", json_object_get(grant, "auth_time"), "service",
                     page_text(grant, "redirect_uri"), "attributes", attributes);
}
