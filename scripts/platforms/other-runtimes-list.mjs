// The tests that are left out on Bun and Deno, with the reasons. `files` are whole specs; `tests` are parts of
// the titles of single tests.

export const leftOut = {
  bun: { files: {}, tests: {} },
  deno: { files: {}, tests: {} },
}
