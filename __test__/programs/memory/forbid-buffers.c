// Fails with the status STATUS, like Electron. The dynamic linker finds Node's own functions first, so the
// addon is patched to call functions with other names of the same length.
int none_create_external_arraybuffer(void *env, void *data, unsigned long length, void *finalize, void *hint, void *value) {
  return STATUS;
}
int none_api_create_external_sharedarraybuffer(void *env, void *data, unsigned long length, void *finalize, void *hint, void *value) {
  return STATUS;
}
