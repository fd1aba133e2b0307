/*
 * Replays a corpus folder through a fuzz target, as TAP: one test per file. An empty or missing corpus fails.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    /* An exact-size heap copy lets the address sanitizer see a read past the end. */
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    size_t length = data ? fread(data, 1, (size_t)size, file) : 0;
    fclose(file);
    if (data == NULL || length != (size_t)size) {
        free(data);
        return -1;
    }
    LLVMFuzzerTestOneInput(data, length);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    struct dirent **names;
    int count = scandir(argv[1], &names, NULL, alphasort);
    if (count < 0) {
        perror(argv[1]);
        return 1;
    }
    int number = 0, failed = 0;
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] == '.')
            continue;
        number++;
        if (replay_file(argv[1], names[i]->d_name) == 0) {
            printf("ok %d - %s\n", number, names[i]->d_name);
        } else {
            printf("not ok %d - %s (unreadable)\n", number, names[i]->d_name);
            failed++;
        }
        fflush(stdout);
    }
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    printf("1..%d\n", number);
    return failed > 0 || number == 0;
}
