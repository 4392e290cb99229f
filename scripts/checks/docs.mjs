// Checks that the documentation of the Rust crates builds without warnings.
import { step } from '../run.mjs'

process.env.RUSTDOCFLAGS = '-D warnings'
step('cargo', 'doc', '--quiet', '--no-deps', '--locked', '--package', 'fdkit')
// The binding is not a library: its documentation is for maintainers.
process.env.RUSTDOCFLAGS += ' --allow rustdoc::private-intra-doc-links'
const everything = ['--no-deps', '--document-private-items']
step('cargo', 'doc', '--quiet', ...everything, '--locked', '--package', 'fdkit-binding')
