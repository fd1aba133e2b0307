/* Pictures for screens: what is let in, and every way in which SVG could be more than a drawing. */
#include "cli/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SVG(inside)                                                                                          \
    "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">" inside "</"    \
    "svg>"

static void drawings_are_taken(void **state)
{
    (void)state;
    static const char *const drawings[] = {
        SVG("<path d=\"M0 0h9v9z\" fill=\"#123456\"/>"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- made by hand -->" SVG("<g><circle r=\"1\"/></g>"),
        SVG("<defs><linearGradient id=\"a\"/></defs><rect fill=\"url(#a)\" style=\"fill:url( '#a' )\"/>"),
        SVG("<style>.b{fill:#fff}</style><use xlink:href=\"#a\"/><use href=\"#b\"/><title>Duin &amp; "
            "Zee</title>"),
    };
    for (size_t i = 0; i < sizeof drawings / sizeof drawings[0]; i++) {
        struct str type = STR_NONE;
        struct failure failure = {""};
        if (image_check(str_from_c(drawings[i]), &type, &failure) != OK)
            fail_msg("%s: %s", drawings[i], failure.text);
        assert_true(str_equal(type, STR("image/svg+xml")));
    }
}

static void anything_that_runs_or_reaches_out_is_refused(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "",
        "GIF89a",
        "<html/>",
        "<svg/>",
        "<svg xmlns=\"http://www.w3.org/2000/svg\">",
        SVG("<script>alert(1)</script>"),
        SVG("<g><SCRIPT/></g>"),
        SVG("<g onclick=\"alert(1)\"/>"),
        SVG("<g OnLoad=\"alert(1)\"/>"),
        SVG("<foreignObject/>"),
        SVG("<image href=\"x.png\"/>"),
        SVG("<a href=\"#x\"/>"),
        SVG("<animate attributeName=\"href\"/>"),
        SVG("<set attributeName=\"onload\"/>"),
        SVG("<use xlink:href=\"https://elsewhere.example/x.svg#a\"/>"),
        SVG("<use href=\"data:image/svg+xml;base64,AAAA#a\"/>"),
        SVG("<use href=\" #a\"/>"),
        SVG("<rect fill=\"url(https://elsewhere.example/)\"/>"),
        SVG("<rect style=\"fill:URL ( //elsewhere.example )\"/>"),
        SVG("<rect style=\"fill:u\\72l(//elsewhere.example)\"/>"),
        SVG("<style>@import '//elsewhere.example';</style>"),
        SVG("<style><![CDATA[a{background:url(//elsewhere.example)}]]></style>"),
        SVG("<g xml:base=\"https://elsewhere.example/\"/>"),
        SVG("<h:script xmlns:h=\"http://www.w3.org/1999/xhtml\">alert(1)</h:script>"),
        SVG("<g xmlns=\"\"><script/></g>"),
        SVG("<?xml-stylesheet href=\"//elsewhere.example\"?>"),
        "<?xml-stylesheet href=\"//elsewhere.example\"?>" SVG(""),
        SVG("") "<?php ?>",
        "<!DOCTYPE svg [<!ENTITY x \"y\">]>" SVG("&x;"),
        "<!DOCTYPE svg SYSTEM \"http://elsewhere.example/\">" SVG(""),
    };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct str type;
        struct failure failure = {""};
        if (image_check(str_from_c(hostile[i]), &type, &failure) != FAILED)
            fail_msg("taken: %s", hostile[i]);
        assert_true(failure.text[0] != '\0');
    }
}

static void png_is_known_by_its_bytes(void **state)
{
    (void)state;
    char png[40] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06";
    struct str type = STR_NONE;
    struct failure failure;
    assert_int_equal(image_check(str_of(png, sizeof png), &type, &failure), OK);
    assert_true(str_equal(type, STR("image/png")));
    assert_int_equal(image_check(str_of(png, 20), &type, &failure), FAILED);
    png[16] = 1; /* 16 million pixels wide */
    assert_int_equal(image_check(str_of(png, sizeof png), &type, &failure), FAILED);
}

static void size_is_capped(void **state)
{
    (void)state;
    static char large[IMAGE_BYTES_MAX + 1];
    memset(large, ' ', sizeof large);
    struct str type;
    struct failure failure;
    assert_int_equal(image_check(str_of(large, sizeof large), &type, &failure), FAILED);
    assert_non_null(strstr(failure.text, "larger than 256 KiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawings_are_taken),
        cmocka_unit_test(anything_that_runs_or_reaches_out_is_refused),
        cmocka_unit_test(png_is_known_by_its_bytes),
        cmocka_unit_test(size_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
