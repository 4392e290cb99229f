#!/bin/sh
# Runs Deno with the arguments of Node.js, for tests that start process.execPath. DENO is its path.
# Deno translates them itself only if a program of its own starts it directly.
# `--stack-trace-limit=10` is the default: V8 refuses an empty list.
v8=--stack-trace-limit=10
while [ $# -gt 0 ]; do
  case $1 in
    --input-type=module) ;;
    # Deno needs no loader for TypeScript.
    --import) shift ;;
    --expose-gc | --expose_gc) v8=$v8,--expose-gc ;;
    --single-threaded | --max-old-space-size=* | --stack-size=* | --max-semi-space-size=*) v8=$v8,$1 ;;
    -e)
      code=$2
      shift 2
      if [ "$1" = -- ]; then shift; fi
      exec "$DENO" eval --quiet --node-modules-dir=manual --unstable-sloppy-imports "--v8-flags=$v8" "$code" "$@"
      ;;
    # The program is on standard input.
    -) break ;;
    -*)
      echo "node-on-deno: Deno has no $1" >&2
      exit 9
      ;;
    *) break ;;
  esac
  shift
done
exec "$DENO" run --allow-all --quiet --no-code-cache --node-modules-dir=manual --unstable-sloppy-imports "--v8-flags=$v8" "$@"
