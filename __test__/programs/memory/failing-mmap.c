// Makes the next mappings of files fail, as many as the test says. It simulates the limit of mappings: at the
// real one V8 aborts the process.
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static int left = 0;
// The test sets the count through process.env.
int setenv(const char *name, const char *value, int overwrite) {
  int (*real)(const char *, const char *, int) = dlsym(RTLD_NEXT, "setenv");
  if (strcmp(name, "FAILING_MMAPS") == 0) left = atoi(value);
  return real(name, value, overwrite);
}
void *mmap64(void *address, size_t length, int protection, int flags, int fd, long offset) {
  void *(*real)(void *, size_t, int, int, int, long) = dlsym(RTLD_NEXT, "mmap64");
  // musl has only mmap, since its offsets have 64 bits.
  if (real == NULL) real = dlsym(RTLD_NEXT, "mmap");
  if (left > 0 && fd != -1) { left--; errno = ENOMEM; return MAP_FAILED; }
  return real(address, length, protection, flags, fd, offset);
}
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap64(address, length, protection, flags, fd, offset);
}
