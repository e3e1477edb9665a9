/*
 * A file system that passes everything on to a directory and lacks what it is told to lack:
 *
 *     folding BACKING MOUNTPOINT -o fold,nolink,plain,...FUSE's own options
 *
 * fold: names that differ in the case of ASCII letters are one name; the spelling that stands is kept (as APFS, NTFS
 * and exFAT have it). nolink: there are no hard links. plain: no mode is kept, files are all executable, and
 * there are no symlinks.
 * Nothing is cached by the kernel, so that two spellings of a name never show two contents. As every file system made
 * with libfuse it has no RENAME_NOREPLACE, and an open file that is unlinked keeps a hidden name for as long.
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static struct { char *backing; int fold, nolink, plain; } has;

/* Add one component as it is spelled on disk, or as it was asked for where nothing of that name stands. */
static void spell(char *real, const char *name)
{
    size_t length = strlen(real);
    snprintf(real + length, PATH_MAX - length, "/%s", name);
    if (!has.fold || faccessat(AT_FDCWD, real, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return;
    real[length] = 0;
    DIR *directory = opendir(*real ? real : "/");
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (strcasecmp(entry->d_name, name) == 0) {
            snprintf(real + length, PATH_MAX - length, "/%s", entry->d_name);
            closedir(directory);
            return;
        }
    if (directory)
        closedir(directory);
    snprintf(real + length, PATH_MAX - length, "/%s", name);
}

static const char *find(char *real, const char *path)
{
    char copy[PATH_MAX], *rest;
    snprintf(real, PATH_MAX, "%s", has.backing);
    snprintf(copy, sizeof copy, "%s", path);
    for (char *name = strtok_r(copy, "/", &rest); name; name = strtok_r(NULL, "/", &rest))
        spell(real, name);
    return real;
}

#define AT(path) find((char[PATH_MAX]){0}, path)
#define SAY(call) ((call) < 0 ? -errno : 0)

static void show(struct stat *status)
{
    if (has.plain)
        status->st_mode |= 0777;
}

static int do_getattr(const char *path, struct stat *status, struct fuse_file_info *file)
{
    int failed = SAY(file ? fstat(file->fh, status) : lstat(AT(path), status));
    show(status);
    return failed;
}

static int do_readlink(const char *path, char *target, size_t size)
{
    ssize_t length = readlink(AT(path), target, size - 1);
    if (length < 0)
        return -errno;
    target[length] = 0;
    return 0;
}

static int do_mkdir(const char *path, mode_t mode) { return SAY(mkdir(AT(path), mode)); }
static int do_unlink(const char *path) { return SAY(unlink(AT(path))); }
static int do_rmdir(const char *path) { return SAY(rmdir(AT(path))); }
static int do_statfs(const char *path, struct statvfs *room) { return SAY(statvfs(AT(path), room)); }
static int do_access(const char *path, int mask) { return SAY(access(AT(path), mask)); }

static int do_symlink(const char *target, const char *path)
{
    return has.plain ? -EPERM : SAY(symlink(target, AT(path)));
}

static int do_link(const char *old, const char *new) { return has.nolink ? -EPERM : SAY(link(AT(old), AT(new))); }

/* What is renamed takes the spelling that it is given, though another stood there. */
static int do_rename(const char *old, const char *new, unsigned int flags)
{
    char from[PATH_MAX], standing[PATH_MAX], target[PATH_MAX];
    if (flags)
        return -EINVAL;
    find(from, old);
    find(standing, new);
    strcpy(target, standing);
    strcpy(strrchr(target, '/'), strrchr(new, '/'));
    if (rename(from, standing) < 0)
        return -errno;
    return strcmp(standing, target) == 0 ? 0 : SAY(rename(standing, target));
}

static int do_chmod(const char *path, mode_t mode, struct fuse_file_info *file)
{
    return has.plain ? 0 : SAY(file ? fchmod(file->fh, mode) : chmod(AT(path), mode));
}

static int do_chown(const char *path, uid_t user, gid_t group, struct fuse_file_info *file)
{
    return SAY(file ? fchown(file->fh, user, group) : lchown(AT(path), user, group));
}

static int do_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
    return SAY(file ? ftruncate(file->fh, size) : truncate(AT(path), size));
}

static int do_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file)
{
    return SAY(file ? futimens(file->fh, times) : utimensat(AT_FDCWD, AT(path), times, AT_SYMLINK_NOFOLLOW));
}

static int keep(struct fuse_file_info *file, int descriptor)
{
    if (descriptor < 0)
        return -errno;
    file->fh = descriptor;
    file->direct_io = 1;
    return 0;
}

static int do_open(const char *path, struct fuse_file_info *file) { return keep(file, open(AT(path), file->flags)); }

static int do_create(const char *path, mode_t mode, struct fuse_file_info *file)
{
    return keep(file, open(AT(path), file->flags | O_CREAT, mode));
}

static int do_read(const char *path, char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)path;
    ssize_t length = pread(file->fh, data, size, offset);
    return length < 0 ? -errno : (int)length;
}

static int do_write(const char *path, const char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)path;
    ssize_t length = pwrite(file->fh, data, size, offset);
    return length < 0 ? -errno : (int)length;
}

static int do_release(const char *path, struct fuse_file_info *file) { (void)path; return SAY(close(file->fh)); }

static int do_fsync(const char *path, int data, struct fuse_file_info *file)
{
    (void)path, (void)data;
    return SAY(fsync(file->fh));
}

static int do_readdir(const char *path, void *answer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *file,
                      enum fuse_readdir_flags flags)
{
    (void)offset, (void)file, (void)flags;
    DIR *directory = opendir(AT(path));
    if (!directory)
        return -errno;
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct stat status = {.st_ino = entry->d_ino, .st_mode = entry->d_type << 12};
        if (fill(answer, entry->d_name, &status, 0, 0))
            break;
    }
    closedir(directory);
    return 0;
}

static void *do_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->use_ino = 1;
    config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
    umask(0);
    return NULL;
}

static const struct fuse_operations operations = {
    .init = do_init, .getattr = do_getattr, .readlink = do_readlink, .mkdir = do_mkdir, .unlink = do_unlink,
    .rmdir = do_rmdir, .symlink = do_symlink, .link = do_link, .rename = do_rename, .chmod = do_chmod,
    .chown = do_chown, .truncate = do_truncate, .utimens = do_utimens, .open = do_open, .create = do_create,
    .read = do_read, .write = do_write, .release = do_release, .fsync = do_fsync, .readdir = do_readdir,
    .statfs = do_statfs, .access = do_access,
};

static const struct fuse_opt words[] = {
    {"fold", offsetof(typeof(has), fold), 1},
    {"nolink", offsetof(typeof(has), nolink), 1},
    {"plain", offsetof(typeof(has), plain), 1},
    FUSE_OPT_END,
};

static int take(void *data, const char *word, int key, struct fuse_args *rest)
{
    (void)data, (void)rest;
    if (key != FUSE_OPT_KEY_NONOPT || has.backing)
        return 1;
    has.backing = realpath(word, NULL);
    return 0;
}

int main(int count, char **arguments)
{
    struct fuse_args rest = FUSE_ARGS_INIT(count, arguments);
    if (fuse_opt_parse(&rest, &has, words, take) < 0 || !has.backing) {
        fprintf(stderr, "folding BACKING MOUNTPOINT -o fold,nolink,plain\n");
        return 2;
    }
    return fuse_main(rest.argc, rest.argv, &operations, NULL);
}
