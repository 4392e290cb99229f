// Time limits for a machine of usual speed, stretched for slower ones. An emulator starts a Node.js in
// 2 to 5 s, so `npm run platforms` sets SLOW there.
const factor = Number(process.env['SLOW'] ?? 1)

/** A time limit in milliseconds, multiplied by the variable SLOW. */
export function patience(milliseconds: number): number {
  return milliseconds * factor
}
