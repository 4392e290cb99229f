// Checks the licenses, sources and duplicates of the crates. Advisories need a database from
// GitHub, so they are checked only if FDKIT_ADVISORIES is 1.
import { step } from '../run.mjs'
import { tool } from '../tools.mjs'

const advisories = process.env.FDKIT_ADVISORIES === '1' ? ['advisories'] : []
step(
  tool('cargo-deny'),
  '--locked',
  'check',
  '--hide-inclusion-graph',
  'bans',
  'licenses',
  'sources',
  ...advisories,
)
