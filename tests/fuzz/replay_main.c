/* Without libFuzzer the same fuzzers are regression tests: every file of the folders and files
   given is one input. A folder that is not there holds none. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs;

static void die(const char *what, const char *path)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

static void replay_file(const char *path, size_t size)
{
    /* Exactly this size, so that the sanitizer sees a byte read too far. */
    uint8_t *data = malloc(size ? size : 1);
    FILE *file = fopen(path, "rb");
    if (!data || !file || fread(data, 1, size, file) != size)
        die("cannot be read", path);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
}

static void replay(const char *path, int depth)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return;
    if (S_ISREG(info.st_mode)) {
        replay_file(path, (size_t)info.st_size);
        return;
    }
    DIR *folder = S_ISDIR(info.st_mode) && depth < 4 ? opendir(path) : NULL;
    if (!folder)
        die("neither a file nor a folder", path);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char inner[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        replay(inner, depth + 1);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i], 0);
    printf("%zu inputs\n", inputs);
    return 0;
}
