/*
 * Finds the *.mustache files below a directory and reads them. Names and texts are in the caller's arena.
 * Blocking; at start-up only.
 *
 * Entries that begin with a dot are passed over. A symbolic link is followed only when it leads to a file
 * inside the same directory tree; one that leads out is a fault, so that a stray link cannot put another file
 * on a screen.
 */
#ifndef HTML_TEMPLATE_FILES_H
#define HTML_TEMPLATE_FILES_H

#include "html/template.h"

struct template_files {
    struct template_source *items;
    size_t count;
    size_t capacity;
};

/* Appends to `files`. FAILED: unreadable, too large, too many or badly named; text names the file. */
enum outcome template_files_read(struct arena *arena, const char *directory, struct template_files *files,
                                 struct failure *failure) MUST_CHECK;

#endif
