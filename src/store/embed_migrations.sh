#!/bin/sh
# Writes the migrations given as NNN_name.sql files as one C table: embed_migrations.sh OUT.c FILE.sql...
# Refuses a gap in the numbers: a program must know every step up to its newest.
set -eu
out=$1
shift
{
    echo '#include "store/migrate.h"'
    expected=1
    for file in "$@"; do
        base=$(basename "$file" .sql)
        number=$(echo "$base" | sed 's/_.*//; s/^0*//')
        if [ "$number" != "$expected" ]; then
            echo "$file: expected migration number $expected" >&2
            exit 1
        fi
        echo "static const char sql_$number[] = {"
        od -An -v -to1 "$file" | sed "s/ \([0-7][0-7]*\)/'\\\\\\1',/g"
        echo "0};"
        expected=$((expected + 1))
    done
    echo 'const struct migration migrations[] = {'
    for file in "$@"; do
        base=$(basename "$file" .sql)
        number=$(echo "$base" | sed 's/_.*//; s/^0*//')
        echo "    {$number, \"$base\", sql_$number},"
    done
    echo '};'
    echo "const int migration_count = $#;"
} >"$out.tmp"
mv "$out.tmp" "$out"
