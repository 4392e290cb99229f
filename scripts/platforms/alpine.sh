#!/bin/sh
# Runs the tests in an Alpine container, which lacks most of the programs that the tests start.
set -eu
apk add --no-cache bash coreutils findutils gcc musl-dev python3 strace
npm ci --ignore-scripts
node scripts/bundle.mjs
npx ava
