#include "store/sso_link.h"

#define NUMBER_MIN 3

bool sso_link_is_number(struct str value)
{
    size_t count = 0;
    bool has_digit = false, is_varied = false;
    char first = '\0';
    for (size_t i = 0; i < value.length; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        bool is_digit = byte >= '0' && byte <= '9';
        char lower = (char)(byte | 0x20);
        if (byte == '@' || byte <= ' ' || byte >= 0x7f)
            return false;
        if (!is_digit && (lower < 'a' || lower > 'z'))
            continue;
        if (count++ == 0)
            first = lower;
        is_varied = is_varied || lower != first;
        has_digit = has_digit || is_digit;
    }
    return count >= NUMBER_MIN && has_digit && is_varied;
}

enum outcome sso_link_lock(struct db *db, const struct sso_link *link)
{
    struct db_query *query =
        db_query(db, "INSERT INTO sso_link_turn (platform, environment, customer_key, turn) "
                     "SELECT platform, environment, customer_key, 0 FROM sso_connection WHERE id = $1 "
                     "ON CONFLICT (platform, environment, customer_key) "
                     "DO UPDATE SET turn = sso_link_turn.turn + 1");
    db_bind_text(query, 1, link->connection);
    return db_run(query);
}

/* A connection that names no claim any more vouches for nothing that it told before. */
enum outcome sso_link_find(struct db *db, const struct sso_link *link, struct arena *arena,
                           struct str out_users[2], size_t *out_count)
{
    *out_count = 0;
    struct db_query *query = db_query(
        db, "SELECT DISTINCT l.user_id FROM sso_link l JOIN sso_connection told ON told.id = l.connection "
            "JOIN sso_connection asks ON asks.platform = told.platform "
            "AND asks.environment = told.environment AND asks.customer_key = told.customer_key "
            "WHERE asks.id = $1 AND l.value_hash = $2 AND told.link_claim <> '' ORDER BY l.user_id LIMIT 2");
    db_bind_text(query, 1, link->connection);
    db_bind_blob(query, 2, link->value_hash);
    while (*out_count < 2 && db_step(query) == DB_ROW)
        out_users[(*out_count)++] = db_text(query, 0, arena);
    return db_finish(query);
}

/* Numbers are given out again: what a user had before must not lead to them. */
static void forget_others(struct db *db, const struct sso_link *link, struct str user_id)
{
    struct db_query *query =
        db_query(db, "DELETE FROM sso_link WHERE user_id = $1 AND connection <> $2 AND value_hash <> $3 "
                     "AND connection IN (SELECT other.id FROM sso_connection one JOIN sso_connection other "
                     "ON other.platform = one.platform AND other.environment = one.environment "
                     "AND other.customer_key = one.customer_key WHERE one.id = $2)");
    db_bind_text(query, 1, user_id);
    db_bind_text(query, 2, link->connection);
    db_bind_blob(query, 3, link->value_hash);
    db_run_later(query);
}

enum outcome sso_link_note(struct db *db, const struct sso_link *link, struct str user_id)
{
    struct db_query *query =
        db_query(db, "INSERT INTO sso_link (connection, user_id, value_hash) VALUES ($1, $2, $3) "
                     "ON CONFLICT (connection, user_id) DO UPDATE SET value_hash = excluded.value_hash "
                     "WHERE sso_link.value_hash <> excluded.value_hash");
    db_bind_text(query, 1, link->connection);
    db_bind_text(query, 2, user_id);
    db_bind_blob(query, 3, link->value_hash);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) > 0)
        forget_others(db, link, user_id);
    return OK;
}
