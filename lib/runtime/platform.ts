// Determines the name of this platform, as it occurs in the names of the platform packages.
import { existsSync, readFileSync } from 'node:fs'

/** The platforms that have an addon. */
export const platforms: readonly string[] = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
]

/** Returns whether a path exists. It returns false if this process may not look. */
export function exists(path: string): boolean {
  try {
    return existsSync(path)
  } catch {
    return false
  }
}

type Report = { header: { glibcVersionRuntime?: string }; sharedObjects?: string[] }

function processReport(): Report | undefined {
  const { report } = process as { report?: { excludeNetwork?: boolean; getReport(): object } }
  if (report === undefined) return undefined
  const { excludeNetwork = false } = report
  // By default, a report looks up the host names of all network peers.
  report.excludeNetwork = true
  try {
    return report.getReport() as Report
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

function libc(): string {
  try {
    // ldd is a script that names its C library. Reading it takes a twentieth of the time of the
    // report below.
    const ldd = readFileSync('/usr/bin/ldd', 'latin1')
    if (ldd.includes('musl')) return 'musl'
    if (ldd.includes('GNU C Library')) return 'gnu'
  } catch {
    // Not every system has ldd.
  }
  try {
    const report = processReport()
    if (report?.header.glibcVersionRuntime !== undefined) return 'gnu'
    if (report?.sharedObjects?.some((path) => path.includes('ld-musl-'))) return 'musl'
  } catch {
    // Deno requires a permission for reports.
  }
  return 'unknown'
}

const systemAndArch = `${process.platform}-${process.arch}`

/** Determines the platform including its C library, which takes up to 20 ms. */
export function exactPlatform(): string {
  return process.platform === 'linux' ? `${systemAndArch}-${libc()}` : systemAndArch
}

/**
 * Guesses the platform with a single stat(2): a Linux system without musl's loader in its usual
 * place has glibc. The guess is wrong only on systems that keep the loader elsewhere, such as
 * NixOS.
 */
export function likelyPlatform(): string {
  if (process.platform !== 'linux') return systemAndArch
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  return exists(`/lib/ld-musl-${machine}.so.1`) ? exactPlatform() : `${systemAndArch}-gnu`
}
