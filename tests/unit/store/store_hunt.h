/*
 * Is a text anywhere in the database in the clear: in any file of SQLite, in any column of any table on
 * PostgreSQL (bytea shows as hexadecimal)?
 */
#ifndef TEST_STORE_HUNT_H
#define TEST_STORE_HUNT_H

#include "store_fixture.h"

#include <dirent.h>

static inline bool hunt_file(const char *path, struct str needle)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    bool is_found = memmem(bytes, size, needle.data, needle.length) != NULL;
    free(bytes);
    return is_found;
}

static inline bool hunt_folder(struct str needle)
{
    bool is_found = false;
    DIR *folder = opendir(fx.directory);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, "test.db", 7) == 0)
            is_found |= hunt_file(arena_printf(fx.arena, "%s/%s", fx.directory, entry->d_name), needle);
    }
    closedir(folder);
    return is_found;
}

static inline PGresult *hunt_query(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    return result;
}

static inline bool hunt_database(struct str needle)
{
    bool is_found = false;
    PGconn *connection = PQconnectdb(fx.base_url);
    PGresult *tables = hunt_query(connection, arena_printf(fx.arena,
                                                           "SELECT table_name FROM information_schema.tables "
                                                           "WHERE table_schema = '%s'",
                                                           fx.schema));
    assert_true(PQntuples(tables) > 0);
    for (int i = 0; i < PQntuples(tables); i++) {
        const char *sql = arena_printf(
            fx.arena, "SELECT 1 FROM %s.%s t WHERE t::text LIKE '%%%.*s%%' OR t::text LIKE '%%%s%%'",
            fx.schema, PQgetvalue(tables, i, 0), STR_ARG(needle), codec_hex(fx.arena, needle).data);
        PGresult *result = hunt_query(connection, sql);
        is_found |= PQntuples(result) > 0;
        PQclear(result);
    }
    PQclear(tables);
    PQfinish(connection);
    return is_found;
}

static inline bool is_in_the_clear(struct str needle)
{
    return fixture_is_postgres() ? hunt_database(needle) : hunt_folder(needle);
}

#endif
