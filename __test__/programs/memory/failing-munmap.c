// Makes the next calls of munmap fail, as many as the test says. munmap(2) fails if it would split a mapping
// in a process that has the maximum number of mappings.
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <string.h>
static int left = 0;
// The test sets the count through process.env.
int setenv(const char *name, const char *value, int overwrite) {
  int (*real)(const char *, const char *, int) = dlsym(RTLD_NEXT, "setenv");
  if (strcmp(name, "FAILING_MUNMAPS") == 0) left = atoi(value);
  return real(name, value, overwrite);
}
int munmap(void *address, size_t length) {
  int (*real)(void *, size_t) = dlsym(RTLD_NEXT, "munmap");
  if (left > 0 && length == (size_t)getpagesize()) { left--; errno = ENOMEM; return -1; }
  return real(address, length);
}
