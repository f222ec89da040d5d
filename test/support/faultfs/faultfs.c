// A file system for tests whose disk can fail, and whose power can be cut: faultfs BACKING MOUNTPOINT
//
// What is written stays in this process until it is synced; then it is written to the same file below BACKING. Killed, all
// that was not synced is gone, as after a power cut. Names reach BACKING at once; once told "names", those that were made (create,
// link, mkdir) or taken away (unlink) since the last sync of their folder are undone by a cut. Renames count at once all the same.
//
// Commands, one a line on standard input, each answered with "ok":
//   fail OP PART ERRNO COUNT   the next COUNT (-1: all) calls of OP (write, fsync, read, truncate, create, rename; *: any) on
//                              paths that contain PART (*: any) fail; ERRNO -1 with write: only half is written
//   clear                      forgets all of these
//   names                      from now on names that were not synced are lost by a cut
//   count                      answers "ok N": so many syncs since the start
//   cut SEED PERCENT           that share of the unsynced sectors reaches the disk after all, in no order; then it is dead
//
// Build: gcc -O2 -Wall faultfs.c -o faultfs $(pkg-config fuse3 --cflags --libs) -lpthread
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SECTOR = 512, MAXIMUM_FILES = 1024, MAXIMUM_RULES = 16, MAXIMUM_NAMES = 4096 };

// The unsynced view of one file: its whole content, and which sectors differ from the disk.
struct file {
  ino_t inode;
  int descriptor;
  int opened;
  unsigned char *bytes;
  unsigned char *dirty;
  size_t size, durable, room;
};

struct rule {
  char op[16], part[128];
  int error, count;
};

// A change of a folder that was not synced. What was unlinked is kept beside BACKING until then.
struct name {
  char path[PATH_MAX];
  long kept;
};

static char base[PATH_MAX];
static struct name *names[MAXIMUM_NAMES];
static int name_count;
static long kept_count;
static int loses_names;
static struct file files[MAXIMUM_FILES];
static struct rule rules[MAXIMUM_RULES];
static int rule_count;
static long syncs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void full_path(char *full, const char *path) { snprintf(full, PATH_MAX, "%s%s", base, path); }

// Under the lock. 0, or what the call shall do.
static int fault(const char *op, const char *path) {
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if (rule->count == 0) continue;
    if (strcmp(rule->op, "*") != 0 && strcmp(rule->op, op) != 0) continue;
    if (strcmp(rule->part, "*") != 0 && strstr(path, rule->part) == NULL) continue;
    if (rule->count > 0) rule->count--;
    return rule->error;
  }
  return 0;
}

static void kept_path(char *full, long kept) { snprintf(full, PATH_MAX, "%s.kept/%ld", base, kept); }

static size_t folder_length(const char *path) { return (size_t)(strrchr(path, '/') - path); }

// Under the lock, as all about names.
static void forget_name(int index) {
  free(names[index]);
  memmove(&names[index], &names[index + 1], sizeof *names * (size_t)(--name_count - index));
}

static void note_name(const char *path, long kept) {
  if (!loses_names) return;
  struct name *name = name_count < MAXIMUM_NAMES ? malloc(sizeof *name) : NULL;
  if (name == NULL) _exit(3);
  snprintf(name->path, PATH_MAX, "%s", path);
  name->kept = kept;
  names[name_count++] = name;
}

static void sync_names(const char *folder) {
  size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
  char kept[PATH_MAX];
  for (int i = name_count - 1; i >= 0; i--) {
    if (folder_length(names[i]->path) != length || strncmp(names[i]->path, folder, length) != 0) continue;
    kept_path(kept, names[i]->kept);
    if (names[i]->kept != 0) unlink(kept);
    forget_name(i);
  }
}

// The newest first, so that what was made and taken away is as it was.
static void lose_names(int percent) {
  char full[PATH_MAX];
  char kept[PATH_MAX];
  for (int i = name_count - 1; i >= 0; i--) {
    if (rand() % 100 < percent) continue;
    full_path(full, names[i]->path);
    kept_path(kept, names[i]->kept != 0 ? names[i]->kept : ++kept_count);
    if (names[i]->kept != 0) renameat2(AT_FDCWD, kept, AT_FDCWD, full, RENAME_NOREPLACE);
    else rename(full, kept);
  }
}

static int reserve(struct file *file, size_t size) {
  if (size <= file->room) return 0;
  size_t room = file->room == 0 ? 1 << 16 : file->room;
  while (room < size) room *= 2;
  unsigned char *bytes = realloc(file->bytes, room);
  if (bytes == NULL) return -ENOMEM;
  file->bytes = bytes;
  unsigned char *dirty = realloc(file->dirty, room / SECTOR);
  if (dirty == NULL) return -ENOMEM;
  file->dirty = dirty;
  memset(bytes + file->room, 0, room - file->room);
  memset(dirty + file->room / SECTOR, 0, (room - file->room) / SECTOR);
  file->room = room;
  return 0;
}

// Takes over the descriptor. The index of the file, shared by all who have it open, or an error.
static int adopt(int descriptor) {
  struct stat info;
  if (fstat(descriptor, &info) < 0) return -errno;
  int unused = -1;
  for (int i = 0; i < MAXIMUM_FILES; i++) {
    if (files[i].inode == info.st_ino) {
      close(descriptor);
      files[i].opened++;
      return i;
    }
    if (files[i].inode == 0 && unused < 0) unused = i;
  }
  if (unused < 0) return -ENFILE;
  struct file *file = &files[unused];
  memset(file, 0, sizeof *file);
  int result = reserve(file, (size_t)info.st_size + 1);
  if (result < 0) return result;
  if (pread(descriptor, file->bytes, (size_t)info.st_size, 0) != info.st_size) return -EIO;
  file->inode = info.st_ino;
  file->descriptor = descriptor;
  file->opened = 1;
  file->size = file->durable = (size_t)info.st_size;
  return unused;
}

static void mark(struct file *file, size_t from, size_t to) {
  for (size_t sector = from / SECTOR; sector * SECTOR < to; sector++) file->dirty[sector] = 1;
}

static int resize(struct file *file, size_t size) {
  int result = reserve(file, size + 1);
  if (result < 0) return result;
  if (size < file->size) memset(file->bytes + size, 0, file->size - size);
  if (size > file->size) mark(file, file->size, size);
  file->size = size;
  return 0;
}

static int flush_sector(struct file *file, size_t sector) {
  size_t from = sector * SECTOR;
  if (from >= file->size) return 0;
  size_t length = file->size - from < SECTOR ? file->size - from : SECTOR;
  return pwrite(file->descriptor, file->bytes + from, length, (off_t)from) == (ssize_t)length ? 0 : -EIO;
}

// Everything of it to the disk: backing's own fsync is not needed, nobody cuts that power.
static int flush(struct file *file) {
  if (ftruncate(file->descriptor, (off_t)file->size) < 0) return -errno;
  for (size_t sector = 0; sector < file->room / SECTOR; sector++) {
    if (!file->dirty[sector]) continue;
    int result = flush_sector(file, sector);
    if (result < 0) return result;
    file->dirty[sector] = 0;
  }
  file->durable = file->size;
  return 0;
}

static struct file *known(ino_t inode) {
  for (int i = 0; i < MAXIMUM_FILES; i++)
    if (files[i].inode == inode && inode != 0) return &files[i];
  return NULL;
}

static struct file *by_path(const char *path) {
  char full[PATH_MAX];
  struct stat info;
  full_path(full, path);
  return lstat(full, &info) < 0 ? NULL : known(info.st_ino);
}

// What nobody can ask for any more, or is on the disk as it is.
static void let_go(struct file *file) {
  struct stat info;
  if (file == NULL || file->opened > 0) return;
  int is_gone = fstat(file->descriptor, &info) == 0 && info.st_nlink == 0;
  int is_clean = file->durable == file->size && (off_t)file->size == info.st_size;
  for (size_t sector = 0; is_clean && sector < file->room / SECTOR; sector++) is_clean = !file->dirty[sector];
  if (!is_gone && !is_clean) return;
  close(file->descriptor);
  free(file->bytes);
  free(file->dirty);
  memset(file, 0, sizeof *file);
}

#define LOCKED(body)             \
  do {                           \
    int result;                  \
    pthread_mutex_lock(&lock);   \
    body;                        \
    pthread_mutex_unlock(&lock); \
    return result;               \
  } while (0)
#define DONE(call) ((call) < 0 ? -errno : 0)

static int fs_getattr(const char *path, struct stat *info, struct fuse_file_info *open_file) {
  char full[PATH_MAX];
  full_path(full, path);
  LOCKED({
    struct file *file = open_file != NULL ? &files[open_file->fh] : NULL;
    result = file != NULL ? DONE(fstat(file->descriptor, info)) : DONE(lstat(full, info));
    if (result == 0 && file == NULL) file = known(info->st_ino);
    if (result == 0 && file != NULL) info->st_size = (off_t)file->size;
  });
}

static int opened(int descriptor, struct fuse_file_info *open_file) {
  int index = adopt(descriptor);
  if (index < 0) {
    close(descriptor);
    return index;
  }
  open_file->fh = (uint64_t)index;
  open_file->direct_io = 0;
  return 0;
}

static int fs_create(const char *path, mode_t mode, struct fuse_file_info *open_file) {
  char full[PATH_MAX];
  full_path(full, path);
  LOCKED({
    int error = fault("create", path);
    int descriptor = error > 0 ? -1 : open(full, O_RDWR | O_CREAT | (open_file->flags & O_EXCL), mode);
    result = error > 0 ? -error : descriptor < 0 ? -errno : opened(descriptor, open_file);
    if (result == 0) note_name(path, 0);
  });
}

static int fs_open(const char *path, struct fuse_file_info *open_file) {
  char full[PATH_MAX];
  full_path(full, path);
  LOCKED({
    int descriptor = open(full, O_RDWR);
    result = descriptor < 0 ? -errno : opened(descriptor, open_file);
    if (result == 0 && (open_file->flags & O_TRUNC)) result = resize(&files[open_file->fh], 0);
  });
}

// What nobody has open any more is still unsynced, until a sync by whoever opens it next.
static int fs_release(const char *path, struct fuse_file_info *open_file) {
  (void)path;
  LOCKED({
    files[open_file->fh].opened--;
    let_go(&files[open_file->fh]);
    result = 0;
  });
}

static int fs_read(const char *path, char *to, size_t count, off_t at, struct fuse_file_info *open_file) {
  LOCKED({
    struct file *file = &files[open_file->fh];
    int error = fault("read", path);
    size_t from = (size_t)at;
    if (from > file->size) from = file->size;
    if (count > file->size - from) count = file->size - from;
    if (error == 0) memcpy(to, file->bytes + from, count);
    result = error > 0 ? -error : (int)count;
  });
}

static int fs_write(const char *path, const char *bytes, size_t count, off_t at, struct fuse_file_info *open_file) {
  LOCKED({
    struct file *file = &files[open_file->fh];
    int error = fault("write", path);
    if (error < 0 && count > 1) count /= 2;
    size_t end = (size_t)at + count;
    result = error > 0 ? -error : reserve(file, end + 1);
    if (result == 0) {
      memcpy(file->bytes + at, bytes, count);
      mark(file, (size_t)at < file->size ? (size_t)at : file->size, end);
      if (end > file->size) file->size = end;
      result = (int)count;
    }
  });
}

static int fs_truncate(const char *path, off_t size, struct fuse_file_info *open_file) {
  char full[PATH_MAX];
  full_path(full, path);
  LOCKED({
    int error = fault("truncate", path);
    struct file *file = open_file != NULL ? &files[open_file->fh] : by_path(path);
    result = error > 0 ? -error : file != NULL ? resize(file, (size_t)size) : DONE(truncate(full, size));
  });
}

static int fs_fsync(const char *path, int only_data, struct fuse_file_info *open_file) {
  (void)only_data;
  LOCKED({
    int error = fault("fsync", path);
    struct file *file = &files[open_file->fh];
    syncs++;
    // As Linux does: after a failed sync the pages count as clean, and a second sync would succeed without them.
    if (error > 0) memset(file->dirty, 0, file->room / SECTOR);
    result = error > 0 ? -error : flush(file);
  });
}

static int fs_fsyncdir(const char *path, int only_data, struct fuse_file_info *open_file) {
  (void)only_data;
  (void)open_file;
  LOCKED({
    int error = fault("fsync", path);
    if (error <= 0) sync_names(path);
    result = error > 0 ? -error : 0;
  });
}

static int fs_link(const char *from, const char *to) {
  char full[PATH_MAX];
  char target[PATH_MAX];
  full_path(full, from);
  full_path(target, to);
  LOCKED({
    int error = fault("link", to);
    result = error > 0 ? -error : DONE(link(full, target));
    if (result == 0) note_name(to, 0);
  });
}

static int fs_rename(const char *from, const char *to, unsigned flags) {
  char full[PATH_MAX];
  char target[PATH_MAX];
  full_path(full, from);
  full_path(target, to);
  LOCKED({
    int error = fault("rename", to);
    result = error > 0 ? -error : DONE(renameat2(AT_FDCWD, full, AT_FDCWD, target, flags));
    for (int i = name_count - 1; result == 0 && i >= 0; i--)
      if (names[i]->kept == 0 && (strcmp(names[i]->path, from) == 0 || strcmp(names[i]->path, to) == 0)) forget_name(i);
  });
}

// An unlinked file keeps its number while somebody has it open, so that no new one is taken for it.
static int fs_unlink(const char *path) {
  char full[PATH_MAX];
  full_path(full, path);
  char kept[PATH_MAX];
  LOCKED({
    struct file *file = by_path(path);
    int made = name_count - 1;
    while (made >= 0 && (names[made]->kept != 0 || strcmp(names[made]->path, path) != 0)) made--;
    kept_path(kept, kept_count + 1);
    // One that no sync has seen is as if it had never been.
    int is_kept = loses_names && made < 0 && link(full, kept) == 0;
    result = DONE(unlink(full));
    if (result == 0 && is_kept) note_name(path, ++kept_count);
    if (result == 0 && made >= 0) forget_name(made);
    if (result == 0) let_go(file);
  });
}

static int fs_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t at, struct fuse_file_info *open_file,
                      enum fuse_readdir_flags flags) {
  (void)at, (void)open_file, (void)flags;
  char full[PATH_MAX];
  full_path(full, path);
  DIR *directory = opendir(full);
  if (directory == NULL) return -errno;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    struct stat info = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
    if (fill(buffer, entry->d_name, &info, 0, 0)) break;
  }
  closedir(directory);
  return 0;
}

#define ON_PATH(call)    \
  char full[PATH_MAX];   \
  full_path(full, path); \
  return DONE(call)
static int fs_access(const char *path, int mode) { ON_PATH(access(full, mode)); }
static int fs_mkdir(const char *path, mode_t mode) {
  char full[PATH_MAX];
  full_path(full, path);
  LOCKED({
    result = DONE(mkdir(full, mode));
    if (result == 0) note_name(path, 0);
  });
}
static int fs_rmdir(const char *path) { ON_PATH(rmdir(full)); }
static int fs_statfs(const char *path, struct statvfs *info) { ON_PATH(statvfs(full, info)); }
static int fs_chmod(const char *path, mode_t mode, struct fuse_file_info *open_file) {
  (void)open_file;
  ON_PATH(chmod(full, mode));
}
static int fs_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *open_file) {
  (void)open_file;
  ON_PATH(utimensat(AT_FDCWD, full, times, AT_SYMLINK_NOFOLLOW));
}

static void cut(unsigned seed, int percent) {
  srand(seed);
  for (int i = 0; i < MAXIMUM_FILES; i++) {
    struct file *file = &files[i];
    if (file->inode == 0) continue;
    for (size_t sector = 0; sector < file->room / SECTOR; sector++)
      if (file->dirty[sector] && rand() % 100 < percent) flush_sector(file, sector);
  }
  lose_names(percent);
}

static void obey(const char *line) {
  struct rule rule;
  unsigned seed;
  int percent;
  if (sscanf(line, "fail %15s %127s %d %d", rule.op, rule.part, &rule.error, &rule.count) == 4) {
    if (rule_count < MAXIMUM_RULES) rules[rule_count++] = rule;
  } else if (strncmp(line, "clear", 5) == 0) {
    rule_count = 0;
  } else if (strncmp(line, "names", 5) == 0) {
    char kept[PATH_MAX];
    snprintf(kept, PATH_MAX, "%s.kept", base);
    mkdir(kept, 0700);
    loses_names = 1;
  } else if (strncmp(line, "count", 5) == 0) {
    printf("ok %ld\n", syncs);
    fflush(stdout);
    return;
  } else if (sscanf(line, "cut %u %d", &seed, &percent) == 2) {
    // Keeps the lock: nothing is answered any more.
    cut(seed, percent);
    printf("ok\n");
    fflush(stdout);
    _exit(0);
  } else {
    printf("unknown command\n");
    fflush(stdout);
    return;
  }
  printf("ok\n");
  fflush(stdout);
}

static void *listen_to_commands(void *unused) {
  (void)unused;
  char line[512];
  while (fgets(line, sizeof line, stdin) != NULL) {
    pthread_mutex_lock(&lock);
    obey(line);
    pthread_mutex_unlock(&lock);
  }
  // Whoever started it is gone.
  _exit(0);
}

static void *fs_init(struct fuse_conn_info *connection, struct fuse_config *config) {
  (void)connection;
  config->use_ino = 1;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  config->hard_remove = 1;
  pthread_t thread;
  pthread_create(&thread, NULL, listen_to_commands, NULL);
  pthread_detach(thread);
  printf("ready\n");
  fflush(stdout);
  return NULL;
}

static const struct fuse_operations operations = {
    .init = fs_init,         .getattr = fs_getattr, .access = fs_access,   .mkdir = fs_mkdir,
    .rmdir = fs_rmdir,       .unlink = fs_unlink,   .rename = fs_rename,   .chmod = fs_chmod,
    .utimens = fs_utimens,   .create = fs_create,   .open = fs_open,       .release = fs_release,
    .read = fs_read,         .write = fs_write,     .truncate = fs_truncate, .fsync = fs_fsync,
    .fsyncdir = fs_fsyncdir, .readdir = fs_readdir, .statfs = fs_statfs, .link = fs_link,
};

int main(int count, char **arguments) {
  if (count != 3 || realpath(arguments[1], base) == NULL) {
    fprintf(stderr, "usage: faultfs BACKING MOUNTPOINT\n");
    return 2;
  }
  umask(0);
  // One thread serves: nothing overtakes anything.
  char *fuse_arguments[] = {arguments[0], arguments[2], "-f", "-s", "-o", "fsname=faultfs,subtype=faultfs,default_permissions"};
  return fuse_main(6, fuse_arguments, &operations, NULL);
}
