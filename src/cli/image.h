/*
 * Pictures that an administrator brings in and that browsers of patients will show: PNG, or SVG that is a
 * drawing and nothing else. SVG goes through an allow-list of elements; scripts, event handlers, embedded
 * HTML, animation and references to anything outside the file are refused. Pure; any thread. Fuzz target:
 * tests/fuzz/fuzz_image.c.
 */
#ifndef CLI_IMAGE_H
#define CLI_IMAGE_H

#include "base/err.h"
#include "base/str.h"

#define IMAGE_BYTES_MAX (256u * 1024u)

/* OK with the content type found in the bytes themselves; FAILED with the reason. */
enum outcome image_check(struct str bytes, struct str *out_content_type, struct failure *failure) MUST_CHECK;

#endif
