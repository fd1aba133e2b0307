#include "medmij/assets.h"

#include "base/codec.h"
#include "base/vec.h"
#include "medmij/door.h"
#include "medmij/pages.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ASSET_MAX ((size_t)1048576)

struct asset {
    struct str name;
    struct str bytes;
    const char *content_type;
};

struct assets {
    struct arena *arena;
    VEC(struct asset) files;
    struct asset medmij_logo;
};

static const char *content_type_of(struct str name)
{
    static const struct {
        struct str ending;
        const char *type;
    } types[] = {
        {{".css", 4}, "text/css; charset=utf-8"},
        {{".svg", 4}, "image/svg+xml"},
        {{".png", 4}, "image/png"},
        {{".ico", 4}, "image/x-icon"},
        {{".woff2", 6}, "font/woff2"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_ends_with(name, types[i].ending))
            return types[i].type;
    return NULL;
}

static enum outcome read_asset(struct arena *arena, const char *path, const char *name,
                               struct asset *out_asset, struct failure *failure)
{
    struct asset asset = {.name = str_from_c(name), .content_type = content_type_of(str_from_c(name))};
    if (asset.content_type == NULL)
        return failure_set(failure, "%s: not a kind of file that is served (css, svg, png, ico, woff2)",
                           path);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return failure_set(failure, "%s: cannot open: %s", path, strerror(errno));
    char *bytes = arena_alloc(arena, ASSET_MAX + 1);
    size_t length = fread(bytes, 1, ASSET_MAX + 1, file);
    bool is_whole = !ferror(file) && length <= ASSET_MAX;
    fclose(file);
    if (!is_whole)
        return failure_set(failure, "%s: cannot be read, or is larger than %zu bytes", path, ASSET_MAX);
    asset.bytes = str_of(bytes, length);
    *out_asset = asset;
    return OK;
}

static enum outcome read_directory(struct assets *assets, const char *directory, struct failure *failure)
{
    DIR *handle = opendir(directory);
    if (handle == NULL)
        return failure_set(failure, "%s: cannot open the directory of static files: %s", directory,
                           strerror(errno));
    enum outcome outcome = OK;
    for (struct dirent *entry; outcome == OK && (entry = readdir(handle)) != NULL;) {
        struct asset asset;
        if (entry->d_name[0] == '.')
            continue;
        /* Read in an arena of its own first: the cap is large and most files are small. */
        struct arena *scratch = arena_new();
        outcome = read_asset(scratch, arena_printf(scratch, "%s/%s", directory, entry->d_name), entry->d_name,
                             &asset, failure);
        if (outcome == OK) {
            asset.name = str_copy(assets->arena, asset.name);
            asset.bytes = str_copy(assets->arena, asset.bytes);
            vec_push(assets->arena, &assets->files, asset);
        }
        arena_free(&scratch);
    }
    closedir(handle);
    return outcome;
}

static const struct asset *find_asset(const struct assets *assets, struct str name)
{
    for (size_t i = 0; i < assets->files.count; i++)
        if (str_equal(assets->files.items[i].name, name))
            return &assets->files.items[i];
    return NULL;
}

enum outcome assets_load(const char *directory, const char *medmij_logo, struct assets **out_assets,
                         struct failure *failure)
{
    struct assets *assets = calloc(1, sizeof *assets);
    if (assets == NULL)
        abort();
    assets->arena = arena_new();
    enum outcome outcome = read_directory(assets, directory, failure);
    if (outcome == OK && medmij_logo != NULL)
        outcome = read_asset(assets->arena, medmij_logo, medmij_logo, &assets->medmij_logo, failure);
    if (outcome != OK) {
        assets_free(&assets);
        return FAILED;
    }
    *out_assets = assets;
    return OK;
}

void assets_free(struct assets **assets)
{
    if (assets == NULL || *assets == NULL)
        return;
    arena_free(&(*assets)->arena);
    free(*assets);
    *assets = NULL;
}

static void send_asset(struct http_response *response, const char *content_type, struct str bytes)
{
    response->status = 200;
    response->kind = RESPONSE_ASSET;
    response->content_type = content_type;
    response->body = bytes;
    http_response_header(response, "Cache-Control", "public, max-age=3600");
    /* An SVG that is opened by itself must not run or load anything. */
    http_response_header(response, "Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; sandbox");
}

static void send_not_found(void *door, const struct http_request *request, struct http_response *response)
{
    response->status = 404;
    page_not_found(door, request, response);
}

void assets_handle_static(void *context, const struct http_request *request, struct http_response *response)
{
    struct door *door = context;
    const struct asset *asset = find_asset(door->assets, request->path_tail);
    if (asset == NULL)
        send_not_found(context, request, response);
    else
        send_asset(response, asset->content_type, asset->bytes);
}

/* The image behind provider/{name} or idp/{id}; NULL when there is none. */
static const struct catalog_image *find_image(const struct cached_snapshot *catalog, struct str tail)
{
    size_t slash = str_find(tail, '/');
    struct str kind = str_slice(tail, 0, slash), key = str_slice(tail, slash + 1, tail.length);
    const struct catalog_image *image = NULL;
    if (str_equal(kind, STR("provider"))) {
        const struct catalog_provider *provider = catalog_find_provider(catalog, key);
        image = provider ? &provider->logo : NULL;
    } else if (str_equal(kind, STR("idp"))) {
        const struct catalog_identity_provider *provider = catalog_find_identity_provider(catalog, key);
        image = provider ? &provider->picture : NULL;
    }
    return image != NULL && image->bytes.length > 0 ? image : NULL;
}

void assets_handle_logo(void *context, const struct http_request *request, struct http_response *response)
{
    struct door *door = context;
    if (str_equal(request->path_tail, STR("medmij")) && door->assets->medmij_logo.bytes.length > 0) {
        send_asset(response, door->assets->medmij_logo.content_type, door->assets->medmij_logo.bytes);
        return;
    }
    struct cached_snapshot *catalog = cached_acquire(door->catalog);
    const struct catalog_image *image = find_image(catalog, request->path_tail);
    if (image == NULL)
        send_not_found(context, request, response);
    else
        send_asset(response,
                   arena_strndup(request->arena, image->content_type.data, image->content_type.length),
                   str_copy(request->arena, image->bytes));
    cached_release(&catalog);
}

/* Black or white, whichever has the higher contrast on `color` (#rrggbb): relative luminance as WCAG 2.1
 * defines it; the two contrasts are equal at sqrt(1.05 * 0.05) - 0.05 = 0.179. */
static const char *ink_on(struct str color)
{
    static const double weights[3] = {0.2126, 0.7152, 0.0722};
    double luminance = 0;
    for (size_t i = 0; i < 3; i++) {
        double channel =
            (codec_hex_digit(color.data[1 + 2 * i]) * 16 + codec_hex_digit(color.data[2 + 2 * i])) / 255.0;
        luminance +=
            weights[i] * (channel <= 0.04045 ? channel / 12.92 : pow((channel + 0.055) / 1.055, 2.4));
    }
    return luminance > 0.179 ? "#000000" : "#ffffff";
}

void assets_handle_theme(void *context, const struct http_request *request, struct http_response *response)
{
    struct door *door = context;
    struct cached_snapshot *catalog = cached_acquire(door->catalog);
    const struct catalog_provider *provider = NULL;
    if (str_ends_with(request->path_tail, STR(".css")))
        provider =
            catalog_find_provider(catalog, str_slice(request->path_tail, 0, request->path_tail.length - 4));
    if (provider == NULL) {
        send_not_found(context, request, response);
    } else {
        const char *css = provider->color.length == 7
                              ? arena_printf(request->arena, ":root { --brand: %.*s; --brand-ink: %s; }\n",
                                             STR_ARG(provider->color), ink_on(provider->color))
                              : "";
        send_asset(response, "text/css; charset=utf-8", str_from_c(css));
    }
    cached_release(&catalog);
}
