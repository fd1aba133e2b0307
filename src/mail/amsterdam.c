#include "mail/amsterdam.h"

#include <stdbool.h>
#include <time.h>

#define HOUR_S 3600
#define DAY_S 86400
#define MARCH 2
#define OCTOBER 9

/* 01:00 UTC on the last Sunday of a month of 31 days. */
static int64_t change_of(int year, int month)
{
    struct tm last = {.tm_year = year, .tm_mon = month, .tm_mday = 31, .tm_hour = 1};
    int64_t at = (int64_t)timegm(&last); /* fills in the day of the week */
    return at - (int64_t)last.tm_wday * DAY_S;
}

int64_t amsterdam_offset(int64_t seconds)
{
    time_t moment = (time_t)seconds;
    struct tm utc = {0};
    gmtime_r(&moment, &utc);
    bool is_summer = seconds >= change_of(utc.tm_year, MARCH) && seconds < change_of(utc.tm_year, OCTOBER);
    return is_summer ? 2 * HOUR_S : HOUR_S;
}

const char *amsterdam_format(struct arena *arena, int64_t seconds)
{
    time_t moment = (time_t)(seconds + amsterdam_offset(seconds));
    struct tm local = {0};
    gmtime_r(&moment, &local);
    return arena_printf(arena, "%02d-%02d-%04d %02d:%02d:%02d", local.tm_mday, local.tm_mon + 1,
                        local.tm_year + 1900, local.tm_hour, local.tm_min, local.tm_sec);
}
