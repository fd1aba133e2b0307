#include "base/bsn.h"

#define BSN_DIGITS 9

bool bsn_is_valid(struct str text)
{
    if (text.length != BSN_DIGITS)
        return false;
    int sum = 0;
    bool is_all_zero = true;
    for (int i = 0; i < BSN_DIGITS; i++) {
        char c = text.data[i];
        if (c < '0' || c > '9')
            return false;
        /* Weights 9, 8, ... 2 and then -1 for the last digit. */
        int weight = i == BSN_DIGITS - 1 ? -1 : BSN_DIGITS - i;
        sum += weight * (c - '0');
        is_all_zero = is_all_zero && c == '0';
    }
    return !is_all_zero && sum % 11 == 0;
}
