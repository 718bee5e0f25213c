// For maintainers, after `npm install` changed package-lock.json: names the prebuilt binaries of all platforms in it.
// npm leaves out optional packages that the registry at hand does not carry, and `npm ci` then refuses the lockfile on every machine.
// Their versions are exact and their platform stands in their name, so the entries can be written without fetching them.
//   node bin/complete-lockfile.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const file = join(dirname(fileURLToPath(import.meta.url)), '../package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
const OS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const CPU = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']

function platformOf(name) {
  const words = name.split('/').at(-1).split('-')
  const os = OS.find(o => words.includes(o))
  const cpu = CPU.find(c => words.includes(c))
  if (!os || !cpu) throw new Error(`${name}: no platform can be read from the name`)
  const libc =
    os !== 'linux' ? [] : words.some(w => w.startsWith('musl')) ? ['musl'] : words.some(w => w.startsWith('gnu')) ? ['glibc'] : []
  return { cpu: [cpu], ...(libc.length > 0 ? { libc } : {}), os: [os] }
}

let added = 0
for (const owner of Object.values({ ...lock.packages })) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const known = Object.keys(lock.packages).some(path => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`))
    if (known) continue
    if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${name}@${version}: only exact versions can be completed`)
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(owner.dev ? { dev: true } : {}),
      license: owner.license,
      optional: true,
    }
    added += 1
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} platform packages added`)
