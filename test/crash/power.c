/*
 * A power cut for one database, to be preloaded into the process that writes it. Writes to the files named by
 * $POWER_DB (the database, its -wal and its -journal) go to the real file and to a list; fsync applies the list to a
 * shadow of the file, `<path>.shadow`. After SIGKILL the shadow takes the place of the file: everything that was not
 * synced is lost, as it may be when the power goes. The -shm file is memory shared by processes and left alone.
 *
 * Where $POWER_FULL names a file that exists, writes fail with ENOSPC instead: a full disk.
 *
 * Unlink acts on file and shadow at once: file systems keep a journal for names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define FILES 8
#define FDS 4096

struct change {
  struct change *next;
  off_t at;
  size_t length; /* of bytes; a truncation has none */
  int truncates;
  char bytes[];
};

struct file {
  char path[1024];
  struct change *first, *last;
};

static struct file files[FILES];
static struct file *byFd[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name)                                                \
  (__extension__({                                                \
    if (real_##name == NULL) real_##name = dlsym(RTLD_NEXT, #name); \
    real_##name;                                                  \
  }))
static int (*real_open64)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off_t);
static int (*real_ftruncate64)(int, off_t);
static int (*real_fsync)(int);
static int (*real_unlink)(const char *);

static int ours(const char *path) {
  const char *db = getenv("POWER_DB");
  if (db == NULL || path == NULL || strncmp(path, db, strlen(db)) != 0) return 0;
  const char *rest = path + strlen(db);
  return strcmp(rest, "") == 0 || strcmp(rest, "-wal") == 0 || strcmp(rest, "-journal") == 0;
}

static int full(void) {
  const char *flag = getenv("POWER_FULL");
  return flag != NULL && access(flag, F_OK) == 0;
}

static void shadowPath(const char *path, char *out, size_t size) { snprintf(out, size, "%s.shadow", path); }

/* What the disk holds when the process starts is safe: the shadow begins as a copy of it. */
static void copyToShadow(const char *path) {
  char shadow[1100], buffer[65536];
  shadowPath(path, shadow, sizeof shadow);
  int from = REAL(open64)(path, O_RDONLY);
  if (from < 0) return;
  int to = REAL(open64)(shadow, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ssize_t got;
  while ((got = read(from, buffer, sizeof buffer)) > 0)
    if (REAL(write)(to, buffer, got) != got) abort();
  REAL(close)(from);
  REAL(close)(to);
}

static struct file *fileOf(const char *path) {
  for (int i = 0; i < FILES; i++) {
    if (strcmp(files[i].path, path) == 0) return &files[i];
    if (files[i].path[0] != 0) continue;
    snprintf(files[i].path, sizeof files[i].path, "%s", path);
    return &files[i];
  }
  abort();
}

static int known(const char *path) {
  for (int i = 0; i < FILES; i++)
    if (strcmp(files[i].path, path) == 0) return 1;
  return 0;
}

static struct file *tracked(int fd) { return fd >= 0 && fd < FDS ? byFd[fd] : NULL; }

static void forget(struct file *file) {
  while (file->first != NULL) {
    struct change *next = file->first->next;
    free(file->first);
    file->first = next;
  }
  file->last = NULL;
}

static void note(struct file *file, off_t at, const void *bytes, size_t length, int truncates) {
  struct change *change = malloc(sizeof *change + length);
  if (change == NULL) abort();
  change->next = NULL;
  change->at = at;
  change->length = length;
  change->truncates = truncates;
  if (length > 0) memcpy(change->bytes, bytes, length);
  if (file->last != NULL) file->last->next = change;
  else file->first = change;
  file->last = change;
}

static void apply(struct file *file) {
  char shadow[1100];
  shadowPath(file->path, shadow, sizeof shadow);
  int to = REAL(open64)(shadow, O_WRONLY | O_CREAT, 0600);
  if (to < 0) abort();
  for (struct change *change = file->first; change != NULL; change = change->next) {
    if (change->truncates) {
      if (REAL(ftruncate64)(to, change->at) != 0) abort();
    } else if (REAL(pwrite64)(to, change->bytes, change->length, change->at) != (ssize_t)change->length) {
      abort();
    }
  }
  REAL(close)(to);
  forget(file);
}

static int opened(const char *path, int flags, mode_t mode) {
  if (!ours(path)) return REAL(open64)(path, flags, mode);
  pthread_mutex_lock(&lock);
  if (!known(path)) copyToShadow(path);
  int fd = REAL(open64)(path, flags, mode);
  if (fd >= FDS) abort();
  if (fd >= 0) byFd[fd] = fileOf(path);
  pthread_mutex_unlock(&lock);
  return fd;
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(path, flags, mode);
}

int close(int fd) {
  if (tracked(fd) != NULL) {
    pthread_mutex_lock(&lock);
    byFd[fd] = NULL;
    pthread_mutex_unlock(&lock);
  }
  return REAL(close)(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
  struct file *file = tracked(fd);
  if (file == NULL) return REAL(pwrite64)(fd, bytes, length, at);
  if (full()) {
    errno = ENOSPC;
    return -1;
  }
  pthread_mutex_lock(&lock);
  ssize_t written = REAL(pwrite64)(fd, bytes, length, at);
  if (written > 0) note(file, at, bytes, written, 0);
  pthread_mutex_unlock(&lock);
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t write(int fd, const void *bytes, size_t length) {
  struct file *file = tracked(fd);
  if (file == NULL) return REAL(write)(fd, bytes, length);
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t written = pwrite64(fd, bytes, length, at);
  if (written > 0) lseek(fd, at + written, SEEK_SET);
  return written;
}

int ftruncate64(int fd, off_t length) {
  struct file *file = tracked(fd);
  if (file == NULL) return REAL(ftruncate64)(fd, length);
  pthread_mutex_lock(&lock);
  int result = REAL(ftruncate64)(fd, length);
  if (result == 0) note(file, length, NULL, 0, 1);
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fsync(int fd) {
  struct file *file = tracked(fd);
  if (file == NULL) return REAL(fsync)(fd);
  pthread_mutex_lock(&lock);
  apply(file);
  pthread_mutex_unlock(&lock);
  return 0;
}

int fdatasync(int fd) {
  static int (*real_fdatasync)(int);
  if (tracked(fd) != NULL) return fsync(fd);
  return REAL(fdatasync)(fd);
}

int unlink(const char *path) {
  if (!ours(path)) return REAL(unlink)(path);
  char shadow[1100];
  shadowPath(path, shadow, sizeof shadow);
  pthread_mutex_lock(&lock);
  if (known(path)) forget(fileOf(path));
  REAL(unlink)(shadow);
  int result = REAL(unlink)(path);
  pthread_mutex_unlock(&lock);
  return result;
}
