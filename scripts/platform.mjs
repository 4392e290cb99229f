// The platform's name, as the packages below npm/ have it.

export function platformName() {
  const name = `${process.platform}-${process.arch}`
  if (process.platform !== 'linux') return name
  return `${name}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`
}

export const addonPath = (name = platformName()) => `npm/${name}/fdkit.${name}.node`
