// Checks the spelling in all committed files. typos.toml lists the exceptions.
import { step } from '../run.mjs'
import { tool } from '../tools.mjs'

step(tool('typos'), '--format', 'brief')
