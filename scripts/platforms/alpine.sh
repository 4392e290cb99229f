#!/bin/sh
# The tests in a container of Alpine, which has next to nothing of what they start.
set -eu
apk add --no-cache bash coreutils findutils gcc musl-dev python3 strace
npm ci --ignore-scripts
node scripts/bundle.mjs
npx ava
