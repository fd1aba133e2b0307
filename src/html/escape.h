/*
 * HTML escaping: & < > " ' as character references, good for text and for quoted attribute values. Bytes that
 * are not UTF-8 become U+FFFD. Pure; any thread.
 */
#ifndef HTML_ESCAPE_H
#define HTML_ESCAPE_H

#include "base/buf.h"

void html_escape(struct buf *buf, struct str text);

#endif
