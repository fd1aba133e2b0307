/*
 * The migrations, compiled in from migrations/NNN_name.sql by embed_migrations.sh: ascending, without gaps.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

struct migration {
    int version;
    const char *name;
    const char *sql; /* $BLOB not yet replaced */
};

extern const struct migration migrations[];
extern const int migration_count;

#endif
