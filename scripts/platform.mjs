// Returns the name of this platform, as in the names of the packages below npm/.

export function platformName() {
  const name = `${process.platform}-${process.arch}`
  if (process.platform !== 'linux') return name
  return `${name}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`
}

export const addonPath = (name = platformName()) => `npm/${name}/fdkit.${name}.node`
